/**
 * What a native server holds in a client's own backend process: its settings, its prepared
 * statements, and what it listens on. Here it is mapped onto the one backend.
 */
import { PendingListenCommands } from "./listen-commands.mjs";
import { ClientStatements } from "./prepared-statements.mjs";
import { sync } from "./protocol.mjs";
import { ClientSettings } from "./settings.mjs";

const MAY_CHANGE_SETTINGS = new Set(["SET", "RESET", "DISCARD ALL", "DO", "CALL"]);

/** @typedef {import('./response-filter.mjs').ResponseFilter} ResponseFilter */

export class SessionState {
  #backend;
  #client;
  #settings;
  #statements;
  #listenCommands = new PendingListenCommands();

  /**
   * @param {import('./backend.mjs').Backend} backend
   * @param {import('./notifications.mjs').Listener & {pid: number}} client
   * @param {Map<string, string>} defaults the settings of its StartupMessage
   */
  constructor(backend, client, defaults) {
    this.#backend = backend;
    this.#client = client;
    this.#settings = new ClientSettings(defaults);
    this.#statements = new ClientStatements(backend.statements, String(client.pid));
  }

  /** @param {string} user of the StartupMessage */
  async setUser(user) {
    await this.#backend.settings.setUser(this.#settings, user);
  }

  /** Applies the client's settings to the engine. */
  async applySettings() {
    await this.#backend.settings.switchTo(this.#settings);
  }

  /**
   * @param {import('./message-batch.mjs').MessageBatch} batch
   * @returns {Buffer[]} what the engine gets instead
   */
  rewrite({ messages }) {
    const inspect = (/** @type {string} */ sql, parameters = "") => this.#inspect(sql, parameters);
    return messages.flatMap((message) => this.#statements.rewrite(message, inspect));
  }

  /** The engine has completed a Parse. @returns {boolean} whether it was the client's own */
  parseComplete() {
    return this.#statements.parseComplete();
  }

  /** The engine has reported an error. */
  errorResponse() {
    this.#statements.revertPendingParses();
  }

  /**
   * Takes over what a batch has changed in the session, as its command tags show it.
   * @param {ResponseFilter} response to the batch, complete
   */
  async update(response) {
    const { tags, status } = response;
    const discardsAll = tags.includes("DISCARD ALL");
    this.#backend.countWrittenRows(tags);
    this.#listenCommands.addTags(tags);
    if (tags.some((tag) => MAY_CHANGE_SETTINGS.has(tag))) this.#settings.stale = true;
    if (discardsAll || tags.includes("DEALLOCATE ALL")) this.#clearStatements();
    if (status === "E") return;
    if (discardsAll || tags.includes("RESET")) await this.#restoreDefaults(response);
    if (status === "I") await this.#applyListenCommands(response);
  }

  /** Removes from the engine what a client that has disconnected leaves behind. */
  async cleanUp() {
    const messages = this.#statements.closeAll();
    if (messages.length > 0) await this.#backend.executeDiscarding([...messages, sync()]);
    const resetCommands = this.#backend.sessionReset.removeClient(this.#client);
    for (const sql of resetCommands) await this.#backend.query(sql);
    const { notifications } = this.#backend;
    if (notifications.has(this.#client)) await notifications.removeListener(this.#client);
  }

  /** @param {string} sql that is about to run @param {string} parameters */
  #inspect(sql, parameters) {
    this.#settings.inspect(sql, parameters);
    this.#backend.sessionReset.inspect(this.#client, sql);
    this.#listenCommands.inspect(sql);
  }

  #clearStatements() {
    this.#statements.clear();
    this.#backend.statements.clear();
  }

  /** @param {ResponseFilter} response */
  async #restoreDefaults({ status, tags }) {
    const isFinal = status === "I" && tags.at(-1) === "RESET";
    await this.#backend.settings.restoreDefaults(this.#settings, isFinal);
  }

  /** @param {ResponseFilter} response */
  async #applyListenCommands({ sawError }) {
    const commands = this.#listenCommands.takeCommitted();
    if (commands.length > 0 && !sawError)
      await this.#backend.notifications.apply(this.#client, commands);
  }
}
