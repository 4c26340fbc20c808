/**
 * Objects that belong to a session of a native server, but to no particular client in the one
 * backend: they are dropped when the last client that may have created some has disconnected.
 */
const SESSION_OBJECTS = [
  { pattern: /\btemp(?:orary)?\b/i, resetCommand: "DISCARD TEMP" },
  { pattern: /\badvisory_lock|_advisory_lock/i, resetCommand: "SELECT pg_advisory_unlock_all()" },
  { pattern: /\bwith\s+hold\b/i, resetCommand: "CLOSE ALL" },
];

export class SessionReset {
  #objects = SESSION_OBJECTS.map((object) => ({
    ...object,
    users: /** @type {Set<object>} */ (new Set()),
  }));

  /** @param {object} client @param {string} sql that it runs */
  inspect(client, sql) {
    for (const { pattern, users } of this.#objects) if (pattern.test(sql)) users.add(client);
  }

  /** @param {object} client that has disconnected @returns {string[]} commands to run now */
  removeClient(client) {
    return this.#objects.flatMap(({ users, resetCommand }) =>
      users.delete(client) && users.size === 0 ? [resetCommand] : [],
    );
  }
}
