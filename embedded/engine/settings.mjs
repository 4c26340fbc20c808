/**
 * Settings. The one backend has one set of them; each client has its own map of what differs from
 * the base, and the map of whoever comes next is put in place before its first message.
 */

/** Marks what pg_settings does not list but a session can set. */
const UNLISTED = ["role", "session_authorization"];
const PLACEHOLDER = /\b[a-z_]\w*(?:\.[a-z_]\w*)+\b/gi;
/** RESET ALL does not touch the role. */
const ROLE = /\brole\b|\bauthorization\b/i;
const RESET_ALL = /\breset\s+all\s*;?\s*$/i;
const MAY_SET = /\bset\b|\bset_config\b/i;

/** One client's settings. */
export class ClientSettings {
  /** Given at start-up; what RESET returns to. @type {Map<string, string>} */ defaults;
  /** What differs from the base, as far as known. @type {Map<string, string>} */ values;
  /** Whether `values` may be out of date. */ stale = false;
  /** Names with a dot that the client may have set. @type {Set<string>} */ placeholders =
    new Set();

  /** @param {Map<string, string>} defaults */
  constructor(defaults) {
    this.defaults = defaults;
    this.values = new Map(defaults);
  }

  /** Whether the last command left nothing but the start-up values. Spares asyncpg's pool a query. */
  endedWithResetAll = false;
  #usedRole = false;

  /**
   * @param {string} sql that the client runs
   * @param {string} parameters raw, of a prepared statement
   */
  notice(sql, parameters) {
    this.#usedRole ||= ROLE.test(sql);
    this.endedWithResetAll = !this.#usedRole && RESET_ALL.test(sql);
    if (!MAY_SET.test(sql)) return;
    if (/\bset_config\b/i.test(sql)) this.stale = true;
    for (const [name] of `${sql} ${parameters}`.matchAll(PLACEHOLDER))
      this.placeholders.add(name.toLowerCase());
  }
}

/** Which client's settings are in place. */
export class EngineSettings {
  #query;
  /** @type {ClientSettings | undefined} */ #owner;
  /** Undefined when nobody knows. @type {Map<string, string> | undefined} */ #current;

  /** @param {(sql: string) => Promise<(string | null)[][]>} query */
  constructor(query) {
    this.#query = query;
  }

  /**
   * Puts a client's settings in place, after having noted those of the one before.
   * @param {ClientSettings} next
   */
  async switchTo(next) {
    if (this.#owner === next) return;
    if (this.#owner?.stale) await this.#note(this.#owner);
    this.#owner = undefined;
    if (!this.#current || !sameEntries(this.#current, next.values)) await this.#apply(next.values);
    this.#current = next.values;
    this.#owner = next;
  }

  /**
   * Gives back the start-up values that a RESET of the client has taken away.
   * @param {ClientSettings} client
   * @param {boolean} final whether the RESET was the last command and is committed
   */
  async afterReset(client, final) {
    const isBase = final && client.endedWithResetAll;
    if (client.defaults.size > 0)
      await this.#query(isBase ? setAll(client.defaults) : setWhereReset(client.defaults));
    if (!isBase) return;
    client.values = new Map(client.defaults);
    client.stale = false;
    this.#current = client.values;
  }

  /** The backend is another one. */
  forget() {
    this.#owner = undefined;
    this.#current = new Map();
  }

  /** @param {ClientSettings} client */
  async #note(client) {
    const names = [...UNLISTED, ...client.placeholders].map((name) => `(${literal(name)})`);
    const rows = await this
      .#query(`SELECT name, setting FROM pg_catalog.pg_settings WHERE source = 'session'
      UNION ALL SELECT n, current_setting(n, true) FROM (VALUES ${names}) v(n)
      WHERE n NOT IN (SELECT lower(name) FROM pg_catalog.pg_settings)`);
    client.values = new Map(
      rows.flatMap(([name, value]) => (isSet(name, value) ? [[`${name}`, `${value}`]] : [])),
    );
    client.stale = false;
    this.#current = client.values;
  }

  /** @param {Map<string, string>} values */
  async #apply(values) {
    this.#current = undefined;
    const set = values.size > 0 ? `; ${setAll(values)}` : "";
    await this.#query(`RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL${set}`);
  }
}

/** @param {Map<string, string>} values */
function setAll(values) {
  return `SELECT ${[...values].map(([name, value]) => `set_config(${literal(name)}, ${literal(value)}, false)`)}`;
}

/** @param {Map<string, string>} values */
function setWhereReset(values) {
  const pairs = [...values].map(([name, value]) => `(${literal(name)}, ${literal(value)})`);
  return `SELECT set_config(s.name, v.value, false) FROM (VALUES ${pairs}) v(name, value)
    JOIN pg_catalog.pg_settings s ON lower(s.name) = lower(v.name) WHERE s.source <> 'session'`;
}

/** @param {string | null | undefined} name @param {string | null | undefined} value */
function isSet(name, value) {
  if (value === null || value === "") return false;
  return (
    !(name === "role" && value === "none") &&
    !(name === "session_authorization" && value === "postgres")
  );
}

/** @param {Map<string, string>} left @param {Map<string, string>} right */
function sameEntries(left, right) {
  return left.size === right.size && [...left].every(([name, value]) => right.get(name) === value);
}

/** @param {string} text */
function literal(text) {
  return `E'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}
