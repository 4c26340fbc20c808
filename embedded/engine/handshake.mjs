/** A connection before it is a session. */
import { errorResponse, ProtocolError } from "./protocol.mjs";
import { readStartup } from "./startup.mjs";

const PATIENCE_MS = 60_000;
const NO_ENCRYPTION = Buffer.from("N");

/** @typedef {Extract<import('./startup.mjs').Startup, {kind: 'start'}>} Start */

/**
 * @typedef {object} Outcome
 * @property {(pid: number, secret: number) => void} cancel
 * @property {(start: Start, rest: Buffer) => void} start
 */

export class Handshake {
  #socket;
  #outcome;
  #patience;
  #bytes = Buffer.alloc(0);
  #receive = (/** @type {Buffer} */ chunk) => this.#received(chunk);

  /** @param {import('node:net').Socket} socket @param {Outcome} outcome */
  constructor(socket, outcome) {
    this.#socket = socket;
    this.#outcome = outcome;
    this.#patience = setTimeout(() => socket.destroy(), PATIENCE_MS);
    socket.on("close", () => clearTimeout(this.#patience));
    socket.on("data", this.#receive);
  }

  /** @param {Buffer} chunk */
  #received(chunk) {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    try {
      for (let next = readStartup(this.#bytes); next; next = readStartup(this.#bytes)) {
        this.#bytes = this.#bytes.subarray(next.size);
        if (this.#handle(next.startup)) return;
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#end(errorResponse("FATAL", "08P01", error.message));
    }
  }

  /**
   * @param {import('./startup.mjs').Startup} startup
   * @returns {boolean} whether that was the last packet
   */
  #handle(startup) {
    if (startup.kind === "refuse") return !this.#socket.write(NO_ENCRYPTION) && false;
    if (startup.kind === "cancel") this.#cancel(startup.pid, startup.secret);
    else this.#start(startup);
    return true;
  }

  /** @param {number} pid @param {number} secret */
  #cancel(pid, secret) {
    this.#outcome.cancel(pid, secret);
    this.#end();
  }

  /** @param {Start} start */
  #start(start) {
    clearTimeout(this.#patience);
    this.#socket.off("data", this.#receive);
    this.#outcome.start(start, this.#bytes);
  }

  /** @param {Buffer} [farewell] */
  #end(farewell) {
    this.#socket.off("data", this.#receive);
    if (farewell) this.#socket.write(farewell);
    this.#socket.destroySoon();
  }
}
