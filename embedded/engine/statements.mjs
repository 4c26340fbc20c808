/**
 * Prepared statements. All clients share the engine's names, so each client's names are mapped to
 * names of our own; and since other clients' DISCARD or unnamed statements remove what a client has
 * prepared, its Parse messages are kept and sent again, unseen, when one is missing.
 */
import { closeStatement, message, readString } from "./protocol.mjs";

const DEALLOCATE = /^(\s*DEALLOCATE\s+(?:PREPARE\s+)?)("(?:[^"]|"")+"|[a-z_][\w$]*)(\s*;?\s*)$/i;

/**
 * @typedef {{engineName: string, parse: Buffer, sql: string}} Statement
 * @typedef {(sql: string, parameters?: string) => void} Notice
 * @typedef {{statement: Statement, name: string, silent: boolean, previous?: Statement | undefined}} Sent
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
  #engine;
  #prefix;
  #count = 0;
  /** @type {Map<string, Statement>} */ #byName = new Map();
  /** Parse messages sent and not yet answered, oldest first. @type {Sent[]} */
  #unanswered = [];

  /** @param {EngineStatements} engine @param {string} prefix unique to the client */
  constructor(engine, prefix) {
    this.#engine = engine;
    this.#prefix = prefix;
  }

  /**
   * @param {import('./framing.mjs').ClientMessage} original
   * @param {Notice} notice is told what the message will run
   * @returns {Buffer[]} what the engine gets instead
   */
  rewrite({ type, bytes }, notice) {
    if (type === "Q") return this.#query(bytes, notice);
    if (type === "P") return this.#parse(bytes, notice);
    if (type === "B") return this.#bind(bytes, notice);
    if (type === "D" && bytes[5] === 0x53) return this.#describe(bytes);
    if (type === "C" && bytes[5] === 0x53) return [this.#close(bytes)];
    return [bytes];
  }

  /** The engine answered the oldest Parse. @returns {boolean} whether the client knows of it */
  confirm() {
    return !this.#unanswered.shift()?.silent;
  }

  /** An error: whatever was not confirmed does not exist. */
  fail() {
    for (const sent of this.#unanswered.reverse()) this.#undo(sent);
    this.#unanswered = [];
  }

  /** The client has dropped all of its statements. */
  clear() {
    this.#byName.clear();
  }

  /** @returns {Buffer[]} messages that remove the client's statements from the engine */
  closeAll() {
    const live = [...this.#byName.values()].filter((statement) => this.#engine.has(statement));
    live.forEach((statement) => this.#engine.remove(statement));
    return live.map(({ engineName }) => closeStatement(engineName));
  }

  /** @param {Buffer} bytes @param {Notice} notice */
  #query(bytes, notice) {
    this.#engine.unnamed = undefined;
    const sql = bytes.toString("utf8", 5, bytes.length - 1);
    notice(sql);
    const renamed = this.#renameDeallocate(sql);
    return [renamed === sql ? bytes : message("Q", renamed)];
  }

  /** @param {Buffer} bytes @param {Notice} notice */
  #parse(bytes, notice) {
    const { text: name, next } = readString(bytes, 5);
    const { text: sql, next: types } = readString(bytes, next);
    notice(sql);
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
    return [this.#send({ statement, name, silent: false, previous })];
  }

  /** @param {Buffer} bytes @param {Notice} notice */
  #bind(bytes, notice) {
    const { next } = readString(bytes, 5);
    const { text: name, next: rest } = readString(bytes, next);
    const statement = this.#byName.get(name);
    if (!statement) return [bytes];
    notice(statement.sql, bytes.toString("latin1", rest));
    return [
      ...this.#restore(name, statement),
      message("B", bytes.subarray(5, next), statement.engineName, bytes.subarray(rest)),
    ];
  }

  /** @param {Buffer} bytes */
  #describe(bytes) {
    const name = readString(bytes, 6).text;
    const statement = this.#byName.get(name);
    if (!statement) return [bytes];
    return [
      ...this.#restore(name, statement),
      message("D", Buffer.from("S"), statement.engineName),
    ];
  }

  /** @param {Buffer} bytes */
  #close(bytes) {
    const name = readString(bytes, 6).text;
    const statement = this.#byName.get(name);
    if (!statement) return bytes;
    this.#byName.delete(name);
    this.#engine.remove(statement);
    return closeStatement(statement.engineName);
  }

  /** A name that exists keeps its engine name, so that a second Parse fails as it does natively. */
  #engineName(/** @type {string} */ name) {
    const known = this.#byName.get(name);
    this.#count += 1;
    return known && this.#engine.has(known) ? known.engineName : `${this.#prefix}.${this.#count}`;
  }

  /** @param {string} name @param {Statement} statement */
  #restore(name, statement) {
    return this.#engine.has(statement) ? [] : [this.#send({ statement, name, silent: true })];
  }

  /** @param {Sent} sent */
  #send(sent) {
    this.#unanswered.push(sent);
    this.#engine.add(sent.statement);
    return sent.statement.parse;
  }

  /** @param {Sent} sent */
  #undo({ statement, name, silent, previous }) {
    this.#engine.remove(statement);
    if (silent) return;
    this.#byName.delete(name);
    if (!previous || name === "") return;
    this.#byName.set(name, previous);
    if (previous.engineName === statement.engineName) this.#engine.add(previous);
  }

  /** @param {string} sql */
  #renameDeallocate(sql) {
    const found = DEALLOCATE.exec(sql);
    const name = found?.[2] && unquote(found[2]);
    const statement = name === undefined ? undefined : this.#byName.get(name);
    if (!found || name === undefined || !statement) return sql;
    this.#byName.delete(name);
    this.#engine.remove(statement);
    return `${found[1]}"${statement.engineName}"${found[3]}`;
  }
}

/** @param {string} identifier */
function unquote(identifier) {
  return identifier.startsWith('"')
    ? identifier.slice(1, -1).replaceAll('""', '"')
    : identifier.toLowerCase();
}
