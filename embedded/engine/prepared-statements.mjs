/**
 * Prepared statements. All clients share the engine's names, so each client's names are mapped to
 * names of our own; and since another client's DISCARD or unnamed statement removes what a client
 * has prepared, its Parse messages are stored and replayed, unseen by it, when a statement is gone.
 */
import { closeStatement, message, readString } from "./protocol.mjs";

const DEALLOCATE = /^(\s*DEALLOCATE\s+(?:PREPARE\s+)?)("(?:[^"]|"")+"|[a-z_][\w$]*)(\s*;?\s*)$/i;

/**
 * @typedef {{engineName: string, parse: Buffer, sql: string}} Statement
 * @typedef {(sql: string, parameters?: string) => void} InspectSql
 * @typedef {object} PendingParse
 * @property {Statement} statement
 * @property {string} name the client's
 * @property {boolean} isReplay whether the client does not know of it
 * @property {Statement | undefined} [previous] of the same name
 */

/** What the one engine has prepared at the moment. */
export class EngineStatements {
  /** @type {Set<string>} */ named = new Set();
  /** @type {Statement | undefined} */ unnamed;

  /** @param {Statement} statement */
  has(statement) {
    return statement.engineName === ""
      ? this.unnamed === statement
      : this.named.has(statement.engineName);
  }

  /** @param {Statement} statement */
  add(statement) {
    if (statement.engineName === "") this.unnamed = statement;
    else this.named.add(statement.engineName);
  }

  /** @param {Statement} statement */
  remove(statement) {
    if (this.unnamed === statement) this.unnamed = undefined;
    this.named.delete(statement.engineName);
  }

  clear() {
    this.named.clear();
    this.unnamed = undefined;
  }
}

/** One client's statements, and the rewriting of its messages. */
export class ClientStatements {
  #engineStatements;
  #prefix;
  #count = 0;
  /** @type {Map<string, Statement>} */ #byName = new Map();
  /** Parse messages without a response yet, oldest first. @type {PendingParse[]} */
  #pendingParses = [];

  /** @param {EngineStatements} engineStatements @param {string} prefix unique to the client */
  constructor(engineStatements, prefix) {
    this.#engineStatements = engineStatements;
    this.#prefix = prefix;
  }

  /**
   * @param {import('./framing.mjs').FrontendMessage} original
   * @param {InspectSql} inspect called with the SQL that the message will run
   * @returns {Buffer[]} what the engine gets instead
   */
  rewrite({ type, bytes }, inspect) {
    if (type === "Q") return this.#query(bytes, inspect);
    if (type === "P") return this.#parse(bytes, inspect);
    if (type === "B") return this.#bind(bytes, inspect);
    if (type === "D" && bytes[5] === 0x53) return this.#describe(bytes);
    if (type === "C" && bytes[5] === 0x53) return [this.#close(bytes)];
    return [bytes];
  }

  /** The oldest Parse has completed. @returns {boolean} whether it was the client's own */
  parseComplete() {
    return !this.#pendingParses.shift()?.isReplay;
  }

  /** The engine has reported an error: no statement of a pending Parse exists. */
  revertPendingParses() {
    for (const pending of this.#pendingParses.reverse()) this.#revert(pending);
    this.#pendingParses = [];
  }

  /** The client has dropped all of its statements. */
  clear() {
    this.#byName.clear();
  }

  /** @returns {Buffer[]} messages that remove the client's statements from the engine */
  closeAll() {
    const statements = [...this.#byName.values()];
    const prepared = statements.filter((statement) => this.#engineStatements.has(statement));
    prepared.forEach((statement) => this.#engineStatements.remove(statement));
    return prepared.map(({ engineName }) => closeStatement(engineName));
  }

  /** @param {Buffer} bytes @param {InspectSql} inspect */
  #query(bytes, inspect) {
    this.#engineStatements.unnamed = undefined;
    const sql = bytes.toString("utf8", 5, bytes.length - 1);
    inspect(sql);
    const renamed = this.#renameDeallocate(sql);
    return [renamed === sql ? bytes : message("Q", renamed)];
  }

  /** @param {Buffer} bytes @param {InspectSql} inspect */
  #parse(bytes, inspect) {
    const { text: name, next } = readString(bytes, 5);
    const { text: sql, next: types } = readString(bytes, next);
    inspect(sql);
    const renamed = this.#renameDeallocate(sql);
    const text = renamed === sql ? bytes.subarray(next, types) : renamed;
    const engineName = name === "" ? "" : this.#engineName(name);
    const statement = {
      engineName,
      parse: message("P", engineName, text, bytes.subarray(types)),
      sql,
    };
    const previous = this.#byName.get(name);
    this.#byName.set(name, statement);
    return [this.#sendParse({ statement, name, isReplay: false, previous })];
  }

  /** @param {Buffer} bytes @param {InspectSql} inspect */
  #bind(bytes, inspect) {
    const { next } = readString(bytes, 5);
    const { text: name, next: rest } = readString(bytes, next);
    const statement = this.#byName.get(name);
    if (!statement) return [bytes];
    inspect(statement.sql, bytes.toString("latin1", rest));
    return [
      ...this.#replayIfGone(name, statement),
      message("B", bytes.subarray(5, next), statement.engineName, bytes.subarray(rest)),
    ];
  }

  /** @param {Buffer} bytes */
  #describe(bytes) {
    const name = readString(bytes, 6).text;
    const statement = this.#byName.get(name);
    if (!statement) return [bytes];
    return [
      ...this.#replayIfGone(name, statement),
      message("D", Buffer.from("S"), statement.engineName),
    ];
  }

  /** @param {Buffer} bytes */
  #close(bytes) {
    const name = readString(bytes, 6).text;
    const statement = this.#byName.get(name);
    if (!statement) return bytes;
    this.#byName.delete(name);
    this.#engineStatements.remove(statement);
    return closeStatement(statement.engineName);
  }

  /** A name in use retains its engine name, so that a second Parse fails as it does natively. */
  #engineName(/** @type {string} */ name) {
    const present = this.#byName.get(name);
    this.#count += 1;
    if (present && this.#engineStatements.has(present)) return present.engineName;
    return `${this.#prefix}.${this.#count}`;
  }

  /** @param {string} name @param {Statement} statement */
  #replayIfGone(name, statement) {
    if (this.#engineStatements.has(statement)) return [];
    return [this.#sendParse({ statement, name, isReplay: true })];
  }

  /** @param {PendingParse} pending */
  #sendParse(pending) {
    this.#pendingParses.push(pending);
    this.#engineStatements.add(pending.statement);
    return pending.statement.parse;
  }

  /** @param {PendingParse} pending */
  #revert({ statement, name, isReplay, previous }) {
    this.#engineStatements.remove(statement);
    if (isReplay) return;
    this.#byName.delete(name);
    if (!previous || name === "") return;
    this.#byName.set(name, previous);
    if (previous.engineName === statement.engineName) this.#engineStatements.add(previous);
  }

  /** @param {string} sql */
  #renameDeallocate(sql) {
    const match = DEALLOCATE.exec(sql);
    const name = match?.[2] && unquoteIdentifier(match[2]);
    const statement = name === undefined ? undefined : this.#byName.get(name);
    if (!match || name === undefined || !statement) return sql;
    this.#byName.delete(name);
    this.#engineStatements.remove(statement);
    return `${match[1]}"${statement.engineName}"${match[3]}`;
  }
}

/** @param {string} identifier */
function unquoteIdentifier(identifier) {
  return identifier.startsWith('"')
    ? identifier.slice(1, -1).replaceAll('""', '"')
    : identifier.toLowerCase();
}
