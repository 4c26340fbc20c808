/** LISTEN and UNLISTEN commands of a client, pending until their transaction is committed. */

const LISTEN = /\b(un)?listen\s+(\*|"(?:[^"]|"")+"|[a-z_\u0080-\uffff][\w$\u0080-\uffff]*)/gi;
const MAX_NAME_BYTES = 63;

/** @typedef {{channel: string, listen: boolean}} ListenCommand channel * is all */

/** @param {string} sql @returns {ListenCommand[]} what looks like a command of either kind in it */
export function parseListenCommands(sql) {
  return [...sql.matchAll(LISTEN)].map(([, not, name = ""]) => {
    return { listen: not === undefined, channel: foldIdentifier(name) };
  });
}

/** One client's LISTEN and UNLISTEN commands in its open transaction. */
export class PendingListenCommands {
  /** @type {ListenCommand[]} */ #commands = [];
  /** Command tags of the transaction so far. @type {Set<string>} */ #tags = new Set();

  /** @type {string | undefined} */ #lastTag;

  /** @param {string} sql that is about to run */
  inspect(sql) {
    this.#commands.push(...parseListenCommands(sql));
  }

  /** @param {string[]} tags of completed commands */
  addTags(tags) {
    tags.forEach((tag) => this.#tags.add(tag));
    this.#lastTag = tags.at(-1);
  }

  /** @returns {ListenCommand[]} those that ran and were not rolled back; none stays pending */
  takeCommitted() {
    const tags = this.#tags;
    const hasRun = (/** @type {ListenCommand} */ { listen }) =>
      tags.has(listen ? "LISTEN" : "UNLISTEN");
    const commands = this.#commands.filter(hasRun);
    this.#commands = [];
    this.#tags = new Set();
    // Only the last one ends the transaction; those before go back to a savepoint.
    if (this.#lastTag === "ROLLBACK") return [];
    return tags.has("DISCARD ALL") ? [...commands, { channel: "*", listen: false }] : commands;
  }
}

/** @param {string} identifier as written @returns {string} as the server stores it */
function foldIdentifier(identifier) {
  const isQuoted = identifier.startsWith('"');
  const name = isQuoted ? identifier.slice(1, -1).replaceAll('""', '"') : identifier.toLowerCase();
  return Buffer.from(name).subarray(0, MAX_NAME_BYTES).toString();
}
