/** The bytes that a client has still to read: bounded, and watched for clients that do not read. */
import { WINDOW_BYTES } from "./worker-channel.mjs";

const CLOSE_TIMEOUT_MS = 1000;

export class SendBuffer {
  #socket;
  #stallTimeoutMs;
  #handlers;
  /** @type {(() => void)[]} */ #deferredAcknowledgements = [];
  /** @type {NodeJS.Timeout | undefined} */ #stallCheck;
  #lastSentBytes = 0;
  #closed = false;

  /**
   * @param {import('node:net').Socket} socket
   * @param {number} stallTimeoutMs within which the client has to read something
   * @param {{drained: () => void, stalled: () => void}} handlers
   */
  constructor(socket, stallTimeoutMs, handlers) {
    this.#socket = socket;
    this.#stallTimeoutMs = stallTimeoutMs;
    this.#handlers = handlers;
    socket.on("drain", () => this.#onDrain());
    socket.on("close", () => this.#close());
  }

  /** @returns {boolean} whether the client has to read before anything more is done for it */
  get isFull() {
    return this.#socket.writableLength > WINDOW_BYTES;
  }

  /**
   * @param {Buffer[]} parts
   * @param {() => void} [acknowledge] called when there is room for more
   */
  write(parts, acknowledge = () => {}) {
    if (this.#closed) return acknowledge();
    this.#socket.cork();
    for (const part of parts) this.#socket.write(part);
    this.#socket.uncork();
    if (!this.isFull) return acknowledge();
    this.#deferredAcknowledgements.push(acknowledge);
    this.#stallCheck ??= this.#startStallCheck();
  }

  /** Closes once the client has read everything, or after a timeout if it does not. */
  end() {
    this.#socket.end();
    setTimeout(() => this.#socket.destroy(), CLOSE_TIMEOUT_MS).unref();
    this.#close();
  }

  #sentBytes() {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }

  #startStallCheck() {
    this.#lastSentBytes = this.#sentBytes();
    return setInterval(() => this.#checkProgress(), this.#stallTimeoutMs);
  }

  #checkProgress() {
    const sentBytes = this.#sentBytes();
    if (sentBytes === this.#lastSentBytes) this.#handlers.stalled();
    this.#lastSentBytes = sentBytes;
  }

  #onDrain() {
    this.#acknowledgeAll();
    this.#handlers.drained();
  }

  #close() {
    this.#closed = true;
    this.#acknowledgeAll();
  }

  #acknowledgeAll() {
    clearInterval(this.#stallCheck);
    this.#stallCheck = undefined;
    this.#deferredAcknowledgements.splice(0).forEach((acknowledge) => acknowledge());
  }
}
