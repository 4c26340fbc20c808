/** Reads the engine's answer to a client's unit, and decides what of it the client gets. */
import { ServerFraming } from "./framing.mjs";
import { errorFields, errorResponse, HEADER_BYTES, parameterStatus } from "./protocol.mjs";

const VISITED = "1ZENGCA";
const INTERRUPTED = "57014";
/** The build reports every rollback as a warning; no client of a native server sees that. */
const ROLLBACK_NOISE = "RRecordTransactionAbort";

/**
 * @typedef {object} Audience
 * @property {() => boolean} confirmParse whether the client knows of the Parse that was answered
 * @property {() => void} failed called at an error
 * @property {() => void} copyStarted called when the engine asks for CopyData
 * @property {(message: Buffer) => Buffer | undefined} notified
 * @property {() => boolean} timedOut whether it was statement_timeout that interrupted
 */

export class Reply {
  #framing = new ServerFraming(VISITED);
  #audience;
  #swallowReady = false;
  /** @type {[string, string][]} */ #parameters = [];
  /** Command tags of the unit. @type {string[]} */ tags = [];
  /** The transaction status after the unit; undefined if the engine did not say. @type {string | undefined} */
  status;
  /** Whether the unit met an error. */ sawError = false;
  /** Whether the client still owes a Sync after an error. */ failed = false;
  copying = false;

  /** @param {Audience} audience */
  constructor(audience) {
    this.#audience = audience;
  }

  /** @param {boolean} swallowReady whether the ReadyForQuery answers a Sync of our own */
  begin(swallowReady) {
    this.#swallowReady = swallowReady;
    this.tags = [];
    this.status = undefined;
    this.failed = false;
    this.sawError = false;
  }

  /** @returns {boolean} whether the client has a message only in part */
  get inMessage() {
    return this.#framing.inMessage;
  }

  /**
   * @param {Buffer} bytes from the engine
   * @param {[string, string][]} parameters that have changed
   * @returns {Buffer[]} for the client
   */
  receive(bytes, parameters) {
    this.#parameters.push(...parameters);
    const parts = this.#framing.push(bytes, (type, whole) => this.#visit(type, whole));
    return [...parts, ...this.#takeParameters()];
  }

  /** @param {string} type @param {Buffer} whole @returns {Buffer | undefined} */
  #visit(type, whole) {
    if (type === "1") return this.#audience.confirmParse() ? whole : undefined;
    if (type === "A") return this.#audience.notified(whole);
    if (type === "N") return whole.includes(ROLLBACK_NOISE) ? undefined : whole;
    if (type === "E") return this.#error(whole);
    if (type === "Z") return this.#ready(whole);
    if (type === "C") this.tags.push(whole.toString("latin1", HEADER_BYTES, whole.length - 1));
    if (type === "G") this.#copyStarts();
    return whole;
  }

  /** @param {Buffer} whole */
  #error(whole) {
    this.failed = true;
    this.sawError = true;
    this.copying = false;
    this.#audience.failed();
    const interrupted = errorFields(whole.subarray(HEADER_BYTES)).get("C") === INTERRUPTED;
    if (!interrupted || !this.#audience.timedOut()) return whole;
    return errorResponse("ERROR", INTERRUPTED, "canceling statement due to statement timeout");
  }

  /** @param {Buffer} whole */
  #ready(whole) {
    this.status = String.fromCharCode(whole[HEADER_BYTES] ?? 0);
    this.copying = false;
    if (this.#swallowReady) return undefined;
    this.failed = false;
    return Buffer.concat([...this.#takeParameters(), whole]);
  }

  #copyStarts() {
    this.copying = true;
    this.#audience.copyStarted();
  }

  #takeParameters() {
    return this.#parameters.splice(0).map(([name, value]) => parameterStatus(name, value));
  }
}
