/** The start-up phase of a connection, up to its StartupMessage or CancelRequest. */
import { errorResponse, ProtocolError } from "./protocol.mjs";
import { readStartupPacket } from "./startup-packet.mjs";

/** The default of PostgreSQL's authentication_timeout. */
const AUTHENTICATION_TIMEOUT_MS = 60_000;
/** The answer to SSLRequest and GSSENCRequest. */
const ENCRYPTION_REFUSED = Buffer.from("N");

/** @typedef {import('./startup-packet.mjs').StartupMessage} StartupMessage */

/**
 * @typedef {object} Handlers
 * @property {(pid: number, secret: number) => void} cancel
 * @property {(startup: StartupMessage, rest: Buffer) => void} start
 */

export class Handshake {
  #socket;
  #handlers;
  #timeout;
  #bytes = Buffer.alloc(0);
  #onData = (/** @type {Buffer} */ chunk) => this.#receive(chunk);

  /** @param {import('node:net').Socket} socket @param {Handlers} handlers */
  constructor(socket, handlers) {
    this.#socket = socket;
    this.#handlers = handlers;
    this.#timeout = setTimeout(() => socket.destroy(), AUTHENTICATION_TIMEOUT_MS);
    socket.on("close", () => clearTimeout(this.#timeout));
    socket.on("data", this.#onData);
  }

  /** @param {Buffer} chunk */
  #receive(chunk) {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    try {
      for (let next = this.#readPacket(); next; next = this.#readPacket()) {
        this.#bytes = this.#bytes.subarray(next.size);
        if (this.#handle(next.packet)) return;
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#close(errorResponse("FATAL", "08P01", error.message));
    }
  }

  #readPacket() {
    return readStartupPacket(this.#bytes);
  }

  /**
   * @param {import('./startup-packet.mjs').StartupPacket} packet
   * @returns {boolean} whether it ends the start-up phase
   */
  #handle(packet) {
    if (packet.kind === "encryptionRequest") {
      this.#socket.write(ENCRYPTION_REFUSED);
      return false;
    }
    if (packet.kind === "cancelRequest") this.#cancel(packet.pid, packet.secret);
    else this.#start(packet);
    return true;
  }

  /** @param {number} pid @param {number} secret */
  #cancel(pid, secret) {
    this.#handlers.cancel(pid, secret);
    this.#close();
  }

  /** @param {StartupMessage} startup */
  #start(startup) {
    clearTimeout(this.#timeout);
    this.#socket.off("data", this.#onData);
    this.#handlers.start(startup, this.#bytes);
  }

  /** @param {Buffer} [error] sent before the connection is closed */
  #close(error) {
    this.#socket.off("data", this.#onData);
    if (error) this.#socket.write(error);
    this.#socket.destroySoon();
  }
}
