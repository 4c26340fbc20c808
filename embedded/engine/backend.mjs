/** The one database session behind all clients: the engine, its mutex, the state in the session. */
import { Mutex } from "./mutex.mjs";
import { Notifications } from "./notifications.mjs";
import { EngineStatements } from "./prepared-statements.mjs";
import { SessionReset } from "./session-reset.mjs";
import { ClientSettings, EngineSettings } from "./settings.mjs";

export class Backend {
  #mutex = new Mutex();
  #restarted = false;
  statements = new EngineStatements();
  sessionReset = new SessionReset();
  /** Rows written since the last maintenance: by INSERT and COPY, by UPDATE, DELETE and MERGE. */
  writtenRows = { inserted: 0, modified: 0 };
  #baseSettings = new ClientSettings(new Map());

  /** @param {import('./engine.mjs').Engine} engine */
  constructor(engine) {
    this.engine = engine;
    this.settings = new EngineSettings((sql) => this.query(sql));
    this.notifications = new Notifications((sql) => this.query(sql));
    this.settings.reset();
    engine.onRestart = () => (this.#restarted = true);
  }

  /** @returns {number} milliseconds since the engine was last used; 0 while in use */
  get idleMs() {
    return this.#mutex.idleMs;
  }

  /**
   * Runs a task that uses the engine, while no other task does.
   * @template T
   * @param {() => Promise<T>} task
   * @returns {Promise<T>} what it returned or threw
   */
  runExclusive(task) {
    return this.#mutex.runExclusive(async () => {
      await this.engine.ready();
      if (this.#restarted) await this.#resetState();
      return task();
    });
  }

  /**
   * Runs SQL of the server's own; the caller holds the mutex.
   * @param {string} sql
   */
  query(sql) {
    this.statements.unnamed = undefined;
    return this.engine.query(sql);
  }

  /**
   * Takes the mutex for one statement of the server's own, which runs with the base settings.
   * @param {string} sql
   * @returns {Promise<(string | null)[][]>}
   */
  queryExclusive(sql) {
    return this.runExclusive(async () => {
      await this.settings.switchTo(this.#baseSettings);
      return this.query(sql);
    });
  }

  /**
   * Runs messages whose response is discarded; the caller holds the mutex.
   * @param {Buffer[]} messages
   */
  executeDiscarding(messages) {
    return this.engine.execute(Buffer.concat(messages), (_, acknowledge) => acknowledge());
  }

  /** @param {string[]} tags of completed commands */
  countWrittenRows(tags) {
    for (const tag of tags) {
      const [, command, rows] = /^(INSERT 0|COPY|UPDATE|DELETE|MERGE) (\d+)$/.exec(tag) ?? [];
      if (command === "INSERT 0" || command === "COPY") this.writtenRows.inserted += Number(rows);
      else if (command) this.writtenRows.modified += Number(rows);
    }
  }

  /** A restarted engine has no session state of the one before. */
  async #resetState() {
    this.#restarted = false;
    this.statements.clear();
    this.settings.reset();
    await this.notifications.listenAgain();
  }
}
