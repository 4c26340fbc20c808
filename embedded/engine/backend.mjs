/** The one database session behind all clients: the engine and what is known of its state. */
import { Notifications } from "./notifications.mjs";
import { Residue } from "./session_reset.mjs";
import { ClientSettings, EngineSettings } from "./settings.mjs";
import { EngineStatements } from "./statements.mjs";
import { Turns } from "./turns.mjs";

export class Backend {
  #turns = new Turns();
  #restarted = false;
  statements = new EngineStatements();
  residue = new Residue();
  /** Rows written since somebody looked: by INSERT and COPY, by UPDATE and DELETE. */
  writes = { added: 0, replaced: 0 };
  #ownSettings = new ClientSettings(new Map());

  /** @param {import('./engine.mjs').Engine} engine */
  constructor(engine) {
    this.engine = engine;
    this.settings = new EngineSettings((sql) => this.query(sql));
    this.notifications = new Notifications((sql) => this.query(sql));
    this.settings.forget();
    engine.onRestart = () => (this.#restarted = true);
  }

  /** @returns {number} milliseconds since somebody last used the engine; 0 while in use */
  get idleMs() {
    return this.#turns.idleMs;
  }

  /**
   * Runs something that uses the engine, when nobody else does.
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>} what it returned or threw
   */
  turn(work) {
    return this.#turns.take(async () => {
      await this.engine.ready();
      if (this.#restarted) await this.#resume();
      return work();
    });
  }

  /**
   * Runs SQL of the server's own inside somebody's turn.
   * @param {string} sql
   */
  query(sql) {
    this.statements.unnamed = undefined;
    return this.engine.query(sql);
  }

  /**
   * Runs one statement of the server's own in a turn of its own.
   * @param {string} sql
   * @returns {Promise<(string | null)[][]>}
   */
  queryAlone(sql) {
    return this.turn(async () => {
      await this.settings.switchTo(this.#ownSettings);
      return this.query(sql);
    });
  }

  /** @param {string[]} tags of commands that have run */
  noteTags(tags) {
    for (const tag of tags) {
      const [, command, rows] = /^(INSERT 0|COPY|UPDATE|DELETE|MERGE) (\d+)$/.exec(tag) ?? [];
      if (command === "INSERT 0" || command === "COPY") this.writes.added += Number(rows);
      else if (command) this.writes.replaced += Number(rows);
    }
  }

  /** Nothing of what was in the engine before is in the new one. */
  async #resume() {
    this.#restarted = false;
    this.statements.clear();
    this.settings.forget();
    await this.notifications.restart();
  }
}
