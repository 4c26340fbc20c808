/** What a client has still to read: bounded, and watched for clients that do not read. */
import { WINDOW_BYTES } from "./channel.mjs";

export class Outbox {
  #socket;
  #patienceMs;
  #events;
  /** @type {(() => void)[]} */ #deferred = [];
  /** @type {NodeJS.Timeout | undefined} */ #watch;
  #lastWritten = 0;
  #closed = false;

  /**
   * @param {import('node:net').Socket} socket
   * @param {number} patienceMs
   * @param {{drained: () => void, unread: () => void}} events
   */
  constructor(socket, patienceMs, events) {
    this.#socket = socket;
    this.#patienceMs = patienceMs;
    this.#events = events;
    socket.on("drain", () => this.#drained());
    socket.on("close", () => this.#close());
  }

  /** @returns {boolean} whether the client has to read before anything more is done for it */
  get full() {
    return this.#socket.writableLength > WINDOW_BYTES;
  }

  /**
   * @param {Buffer[]} parts
   * @param {() => void} [taken] called when there is room for more
   */
  write(parts, taken = () => {}) {
    if (this.#closed) return taken();
    this.#socket.cork();
    for (const part of parts) this.#socket.write(part);
    this.#socket.uncork();
    if (!this.full) return taken();
    this.#deferred.push(taken);
    this.#watch ??= this.#startWatch();
  }

  /** Closes once the client has read everything, or soon if it does not. */
  end() {
    this.#socket.end();
    setTimeout(() => this.#socket.destroy(), 1000).unref();
    this.#close();
  }

  #startWatch() {
    this.#lastWritten = this.#socket.bytesWritten - this.#socket.writableLength;
    return setInterval(() => this.#checkProgress(), this.#patienceMs);
  }

  #checkProgress() {
    const written = this.#socket.bytesWritten - this.#socket.writableLength;
    if (written === this.#lastWritten) this.#events.unread();
    this.#lastWritten = written;
  }

  #drained() {
    this.#giveRoom();
    this.#events.drained();
  }

  #close() {
    this.#closed = true;
    this.#giveRoom();
  }

  #giveRoom() {
    clearInterval(this.#watch);
    this.#watch = undefined;
    this.#deferred.splice(0).forEach((taken) => taken());
  }
}
