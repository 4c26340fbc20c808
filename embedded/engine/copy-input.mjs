/** The data of a COPY FROM STDIN on its way into the engine. */
import { copyFail } from "./protocol.mjs";

export class CopyInput {
  #engine;
  /** @type {Buffer[]} */ #waiting = [];
  /** Whether the engine has a CopyData in part. */ inMessage = false;

  /** @param {import('./engine.mjs').Engine} engine */
  constructor(engine) {
    this.#engine = engine;
  }

  /** @param {import('./framing.mjs').ClientMessage} message */
  add({ bytes, last }) {
    this.inMessage = !last;
    this.#waiting.push(bytes);
  }

  /** All that came at once goes at once; psql sends every row in a message of its own. */
  flush() {
    if (this.#waiting.length > 0) this.#engine.feed(Buffer.concat(this.#waiting.splice(0)));
  }

  /**
   * Completes what the engine waits for, since it cannot do without.
   * @param {number} owed bytes that are missing from the message it has in part
   */
  fail(owed) {
    this.#waiting.push(Buffer.alloc(this.inMessage ? owed : 0), copyFail("the client has gone"));
    this.flush();
  }
}
