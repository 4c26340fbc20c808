/** What a client's LISTEN and UNLISTEN commands ask for, until their transaction is committed. */

const LISTEN = /\b(un)?listen\s+(\*|"(?:[^"]|"")+"|[a-z_\u0080-\uffff][\w$\u0080-\uffff]*)/gi;
const MAX_NAME_BYTES = 63;

/** @typedef {{channel: string, listen: boolean}} Wish a LISTEN or UNLISTEN; channel * is all */

/** @param {string} sql @returns {Wish[]} what looks like a command of either kind in it */
export function readWishes(sql) {
  return [...sql.matchAll(LISTEN)].map(([, not, name = ""]) => {
    return { listen: not === undefined, channel: fold(name) };
  });
}

/** One client's wishes in its open transaction. */
export class Wishes {
  /** @type {Wish[]} */ #wishes = [];
  /** Command tags of the transaction so far. @type {Set<string>} */ #tags = new Set();

  /** @type {string | undefined} */ #lastTag;

  /** @param {string} sql that is about to run */
  notice(sql) {
    this.#wishes.push(...readWishes(sql));
  }

  /** @param {string[]} tags of what has run */
  ran(tags) {
    tags.forEach((tag) => this.#tags.add(tag));
    this.#lastTag = tags.at(-1);
  }

  /** @returns {Wish[]} what was really commanded and not rolled back; starts anew */
  take() {
    const tags = this.#tags;
    const wishes = this.#wishes.filter(({ listen }) => tags.has(listen ? "LISTEN" : "UNLISTEN"));
    this.#wishes = [];
    this.#tags = new Set();
    // Only the last one ends the transaction; those before go back to a savepoint.
    if (this.#lastTag === "ROLLBACK") return [];
    return tags.has("DISCARD ALL") ? [...wishes, { channel: "*", listen: false }] : wishes;
  }
}

/** @param {string} identifier as written @returns {string} as the server stores it */
function fold(identifier) {
  const isQuoted = identifier.startsWith('"');
  const name = isQuoted ? identifier.slice(1, -1).replaceAll('""', '"') : identifier.toLowerCase();
  return Buffer.from(name).subarray(0, MAX_NAME_BYTES).toString();
}
