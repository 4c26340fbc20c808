/** LISTEN and NOTIFY: the one backend listens on the union, and this knows who wants what. */
import { int32, readString } from "./protocol.mjs";

/** @typedef {import('./listen_commands.mjs').Wish} Wish */
/** @typedef {{deliver: (message: Buffer) => void}} Listener */

export class Notifications {
  #query;
  /** @type {Map<string, Set<Listener>>} */ #listeners = new Map();

  /** @param {(sql: string) => Promise<(string | null)[][]>} query */
  constructor(query) {
    this.#query = query;
  }

  /**
   * Takes note of what a committed unit wished for and makes the engine listen on the union again.
   * @param {Listener} listener
   * @param {Wish[]} wishes
   */
  async apply(listener, wishes) {
    if (this.#listeners.size === 0 && !wishes.some(({ listen }) => listen)) return;
    const actual = await this.#actualChannels();
    for (const { channel, listen } of wishes) {
      if (!listen) this.#remove(listener, channel);
      else if (actual.has(channel)) this.#add(listener, channel);
    }
    await this.#renew(actual);
  }

  /** @param {Listener} listener that has gone */
  async leave(listener) {
    this.#remove(listener, "*");
    await this.#renew(await this.#actualChannels());
  }

  /** @param {Listener} listener @returns {boolean} */
  has(listener) {
    return [...this.#listeners.values()].some((listeners) => listeners.has(listener));
  }

  /** Makes a new engine listen. */
  async restart() {
    await this.#renew(new Set());
  }

  /**
   * @param {Buffer} message NotificationResponse
   * @param {Listener} sender delivers its own copy in its own stream
   * @param {number} pid the sender's
   * @returns {Buffer | undefined} the sender's copy if it listens
   */
  route(message, sender, pid) {
    const patched = Buffer.concat([message.subarray(0, 5), int32(pid), message.subarray(9)]);
    const listeners = this.#listeners.get(readString(message, 9).text) ?? new Set();
    for (const listener of listeners) if (listener !== sender) listener.deliver(patched);
    return listeners.has(sender) ? patched : undefined;
  }

  /** @returns {Promise<Set<string | null | undefined>>} */
  async #actualChannels() {
    return new Set(
      (await this.#query("SELECT pg_catalog.pg_listening_channels()")).map(([channel]) => channel),
    );
  }

  /** @param {Set<string | null | undefined>} actual */
  async #renew(actual) {
    const missing = [...this.#listeners.keys()].filter((channel) => !actual.has(channel));
    const extra = [...actual].filter((channel) => !this.#listeners.has(`${channel}`));
    const starts = missing.map((name) => `LISTEN ${quote(name)}`);
    const commands = [...starts, ...extra.map((name) => `UNLISTEN ${quote(`${name}`)}`)];
    if (commands.length > 0) await this.#query(commands.join(";"));
  }

  /** @param {Listener} listener @param {string} channel */
  #add(listener, channel) {
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(listener));
  }

  /** @param {Listener} listener @param {string} channel or * */
  #remove(listener, channel) {
    for (const [name, listeners] of this.#listeners) {
      if (channel === "*" || channel === name) listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(name);
    }
  }
}

/** @param {string} name */
function quote(name) {
  return `"${name.replaceAll('"', '""')}"`;
}
