/**
 * Settings. The one backend has one set of them; each client has its own map of what differs from
 * the base settings, which is applied before its messages run.
 */

/** Whom the engine runs as, unless the user of a client is another role. */
const SUPERUSER = "postgres";
/**
 * Two settings that pg_settings does not list. The first is the user of a session: RESET and DISCARD
 * ALL empty the setting and leave the user, as this engine knows no login to return to.
 */
const USER = "session_authorization";
const ROLE = "role";
/** A name with a dot, which PostgreSQL accepts as a placeholder of an extension's setting. */
const PLACEHOLDER = /\b[a-z_]\w*(?:\.[a-z_]\w*)+\b/gi;
/** Commands about the role, which RESET ALL does not reset. */
const ROLE_COMMAND = /\brole\b|\bauthorization\b/i;
const RESET_ALL = /\breset\s+all\s*;?\s*$/i;
const MAY_SET = /\bset\b|\bset_config\b/i;

/** One client's settings. */
export class ClientSettings {
  /** Of the StartupMessage; what RESET returns to. @type {Map<string, string>} */ defaults;
  /** What differed from the base when last read. @type {Map<string, string>} */ values;
  /** Whether `values` may be out of date. */ stale = false;
  /** Placeholders that the client may have set. @type {Set<string>} */ placeholders = new Set();

  /** @param {Map<string, string>} defaults */
  constructor(defaults) {
    this.defaults = defaults;
    this.values = new Map(defaults);
  }

  /** Whether the last command left the start-up values alone. Spares asyncpg's pool a query. */
  endedWithResetAll = false;
  #usedRole = false;

  /**
   * @param {string} sql that the client runs
   * @param {string} parameters raw, of a prepared statement
   */
  inspect(sql, parameters) {
    this.#usedRole ||= ROLE_COMMAND.test(sql);
    this.endedWithResetAll = !this.#usedRole && RESET_ALL.test(sql);
    if (!MAY_SET.test(sql)) return;
    if (/\bset_config\b/i.test(sql)) this.stale = true;
    for (const [name] of `${sql} ${parameters}`.matchAll(PLACEHOLDER))
      this.placeholders.add(name.toLowerCase());
  }
}

/** The engine's settings, and whose they are now. */
export class EngineSettings {
  #query;
  /** @type {ClientSettings | undefined} */ #activeClient;
  /** Undefined while unknown. @type {Map<string, string> | undefined} */ #current;

  /** @param {(sql: string) => Promise<(string | null)[][]>} query */
  constructor(query) {
    this.#query = query;
  }

  /**
   * Applies a client's settings, after having read back those of the client before it.
   * @param {ClientSettings} next
   */
  async switchTo(next) {
    if (this.#activeClient === next) return;
    if (this.#activeClient?.stale) await this.#readBack(this.#activeClient);
    this.#activeClient = undefined;
    if (!this.#current || !sameEntries(this.#current, next.values)) await this.#apply(next.values);
    this.#current = next.values;
    this.#activeClient = next;
  }

  /**
   * Makes the user of a StartupMessage the client's, if it is a role that may log in. Any other is the
   * superuser, as there are no passwords.
   * @param {ClientSettings} client
   * @param {string} user
   */
  async setUser(client, user) {
    if (user === SUPERUSER) return;
    const found = await this.#query(
      `SELECT FROM pg_catalog.pg_roles WHERE rolcanlogin AND rolname = ${literal(user)}`,
    );
    if (found.length === 0) return;
    client.defaults.set(USER, user);
    client.values.set(USER, user);
  }

  /**
   * Restores the start-up values that a RESET of the client has removed.
   * @param {ClientSettings} client
   * @param {boolean} isFinal whether the RESET was the last command and is committed
   */
  async restoreDefaults(client, isFinal) {
    const hasDefaultsOnly = isFinal && client.endedWithResetAll;
    if (client.defaults.size > 0)
      await this.#query(hasDefaultsOnly ? setAll(client.defaults) : setWhereReset(client.defaults));
    if (!hasDefaultsOnly) return;
    client.values = new Map(client.defaults);
    client.stale = false;
    this.#current = client.values;
  }

  /** A restarted engine has the base settings. */
  reset() {
    this.#activeClient = undefined;
    this.#current = new Map();
  }

  /** @param {ClientSettings} client */
  async #readBack(client) {
    const names = [ROLE, ...client.placeholders].map((name) => `(${literal(name)})`);
    const rows = await this
      .#query(`SELECT name, setting FROM pg_catalog.pg_settings WHERE source = 'session'
      UNION ALL SELECT ${literal(USER)}, session_user
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
    await this.#query(`SET SESSION AUTHORIZATION ${SUPERUSER}; RESET ROLE; RESET ALL${set}`);
  }
}

/** @param {Map<string, string>} values */
function setAll(values) {
  const calls = [...values].map(
    ([name, value]) => `set_config(${literal(name)}, ${literal(value)}, false)`,
  );
  return `SELECT ${calls}`;
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
  return !(name === ROLE && value === "none") && !(name === USER && value === SUPERUSER);
}

/** @param {Map<string, string>} left @param {Map<string, string>} right */
function sameEntries(left, right) {
  return left.size === right.size && [...left].every(([name, value]) => right.get(name) === value);
}

/** @param {string} text */
function literal(text) {
  return `E'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}
