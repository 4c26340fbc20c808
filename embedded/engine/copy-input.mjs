/** Passes the data of a COPY FROM STDIN on to the engine. */
import { copyFail } from "./protocol.mjs";

export class CopyInput {
  #engine;
  /** @type {Buffer[]} */ #buffered = [];
  /** Whether the engine has a CopyData message in part. */ inMessage = false;

  /** @param {import('./engine.mjs').Engine} engine */
  constructor(engine) {
    this.#engine = engine;
  }

  /** @param {import('./framing.mjs').FrontendMessage} message */
  add({ bytes, last }) {
    this.inMessage = !last;
    this.#buffered.push(bytes);
  }

  /** Sends all that is buffered at once, since psql sends every row in a message of its own. */
  flush() {
    if (this.#buffered.length > 0) {
      this.#engine.sendCopyData(Buffer.concat(this.#buffered.splice(0)));
    }
  }

  /**
   * Completes the message that the engine has in part, since it cannot do without, and fails the
   * COPY.
   * @param {number} missingBytes of that message
   */
  fail(missingBytes) {
    const padding = Buffer.alloc(this.inMessage ? missingBytes : 0);
    this.#buffered.push(padding, copyFail("the client has gone"));
    this.flush();
  }
}
