/** LISTEN and NOTIFY: the one backend listens on the union of all clients' channels. */
import { int32, readString } from "./protocol.mjs";

/** @typedef {import('./listen-commands.mjs').ListenCommand} ListenCommand */
/** @typedef {{deliver: (message: Buffer) => void}} Listener */

export class Notifications {
  #query;
  /** By channel. @type {Map<string, Set<Listener>>} */ #listeners = new Map();

  /** @param {(sql: string) => Promise<(string | null)[][]>} query */
  constructor(query) {
    this.#query = query;
  }

  /**
   * Registers what a committed transaction listens on, and makes the engine listen on the union.
   * @param {Listener} listener
   * @param {ListenCommand[]} commands
   */
  async apply(listener, commands) {
    if (this.#listeners.size === 0 && !commands.some(({ listen }) => listen)) return;
    const engineChannels = await this.#engineChannels();
    for (const { channel, listen } of commands) {
      if (!listen) this.#remove(listener, channel);
      else if (engineChannels.has(channel)) this.#add(listener, channel);
    }
    await this.#syncChannels(engineChannels);
  }

  /** @param {Listener} listener that has disconnected */
  async removeListener(listener) {
    this.#remove(listener, "*");
    await this.#syncChannels(await this.#engineChannels());
  }

  /** @param {Listener} listener @returns {boolean} */
  has(listener) {
    return [...this.#listeners.values()].some((listeners) => listeners.has(listener));
  }

  /** Makes a restarted engine listen. */
  async listenAgain() {
    await this.#syncChannels(new Set());
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

  /** @returns {Promise<Set<string | null | undefined>>} the channels that the engine listens on */
  async #engineChannels() {
    return new Set(
      (await this.#query("SELECT pg_catalog.pg_listening_channels()")).map(([channel]) => channel),
    );
  }

  /** @param {Set<string | null | undefined>} engineChannels */
  async #syncChannels(engineChannels) {
    const missing = [...this.#listeners.keys()].filter((channel) => !engineChannels.has(channel));
    const extra = [...engineChannels].filter((channel) => !this.#listeners.has(`${channel}`));
    const listens = missing.map((name) => `LISTEN ${quoteIdentifier(name)}`);
    const unlistens = extra.map((name) => `UNLISTEN ${quoteIdentifier(`${name}`)}`);
    const commands = [...listens, ...unlistens];
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
function quoteIdentifier(name) {
  return `"${name.replaceAll('"', '""')}"`;
}
