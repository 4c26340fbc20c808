/**
 * What sessions leave behind in the one backend and cannot be told apart there: it goes when the
 * last client that may have left some has gone.
 */
const KINDS = [
  { sign: /\btemp(?:orary)?\b/i, cleanup: "DISCARD TEMP" },
  { sign: /\badvisory_lock|_advisory_lock/i, cleanup: "SELECT pg_advisory_unlock_all()" },
  { sign: /\bwith\s+hold\b/i, cleanup: "CLOSE ALL" },
];

export class Residue {
  #kinds = KINDS.map((kind) => ({ ...kind, users: /** @type {Set<object>} */ (new Set()) }));

  /** @param {object} client @param {string} sql that it runs */
  notice(client, sql) {
    for (const { sign, users } of this.#kinds) if (sign.test(sql)) users.add(client);
  }

  /** @param {object} client that has gone @returns {string[]} statements to run now */
  leave(client) {
    return this.#kinds.flatMap(({ users, cleanup }) =>
      users.delete(client) && users.size === 0 ? [cleanup] : [],
    );
  }
}
