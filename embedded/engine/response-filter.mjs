/**
 * Reads the engine's response to a client's batch and decides which of its messages the client
 * gets; collects its command tags and transaction status.
 */
import { BackendDecoder } from "./framing.mjs";
import { errorFields, errorResponse, HEADER_BYTES, parameterStatus } from "./protocol.mjs";

/** ParseComplete, ReadyForQuery, Error-, Notice-, CopyInResponse, CommandComplete, Notification. */
const INTERCEPTED_TYPES = "1ZENGCA";
const QUERY_CANCELED = "57014";
/** The build reports every rollback as a warning, which native servers do not. */
const ROLLBACK_WARNING = "RRecordTransactionAbort";

/**
 * @typedef {object} ResponseHandlers
 * @property {() => boolean} parseComplete whether the Parse was the client's own
 * @property {() => void} errorResponse
 * @property {() => void} copyInResponse
 * @property {(message: Buffer) => Buffer | undefined} notificationResponse what the client gets
 * @property {() => boolean} timedOut whether statement_timeout was the reason of a cancellation
 */

export class ResponseFilter {
  #decoder = new BackendDecoder(INTERCEPTED_TYPES);
  #handlers;
  #hideReadyForQuery = false;
  /** @type {[string, string][]} */ #changedParameters = [];
  /** Command tags of the batch. @type {string[]} */ tags = [];
  /**
   * The transaction status after the batch; undefined without ReadyForQuery.
   * @type {string | undefined}
   */
  status;
  /** Whether the batch met an error. */ sawError = false;
  /** Whether the client still has to send Sync after an error. */ awaitsSync = false;
  /** Whether a COPY FROM STDIN is in progress. */ copyingIn = false;

  /** @param {ResponseHandlers} handlers */
  constructor(handlers) {
    this.#handlers = handlers;
  }

  /**
   * Starts the response to a batch.
   * @param {boolean} hideReadyForQuery whether that answers a Sync which the client did not send
   */
  begin(hideReadyForQuery) {
    this.#hideReadyForQuery = hideReadyForQuery;
    this.tags = [];
    this.status = undefined;
    this.awaitsSync = false;
    this.sawError = false;
  }

  /** @returns {boolean} whether the client has a message only in part */
  get inMessage() {
    return this.#decoder.inMessage;
  }

  /**
   * @param {Buffer} bytes from the engine
   * @param {[string, string][]} changedParameters
   * @returns {Buffer[]} for the client
   */
  receive(bytes, changedParameters) {
    this.#changedParameters.push(...changedParameters);
    const parts = this.#decoder.push(bytes, (type, whole) => this.#intercept(type, whole));
    return [...parts, ...this.#takeParameterStatus()];
  }

  /** @param {string} type @param {Buffer} whole @returns {Buffer | undefined} */
  #intercept(type, whole) {
    if (type === "1") return this.#handlers.parseComplete() ? whole : undefined;
    if (type === "A") return this.#handlers.notificationResponse(whole);
    if (type === "N") return whole.includes(ROLLBACK_WARNING) ? undefined : whole;
    if (type === "E") return this.#errorResponse(whole);
    if (type === "Z") return this.#readyForQuery(whole);
    if (type === "C") this.tags.push(whole.toString("latin1", HEADER_BYTES, whole.length - 1));
    if (type === "G") this.#copyInResponse();
    return whole;
  }

  /** @param {Buffer} whole */
  #errorResponse(whole) {
    this.awaitsSync = true;
    this.sawError = true;
    this.copyingIn = false;
    this.#handlers.errorResponse();
    const isCanceled = errorFields(whole.subarray(HEADER_BYTES)).get("C") === QUERY_CANCELED;
    if (!isCanceled || !this.#handlers.timedOut()) return whole;
    return errorResponse("ERROR", QUERY_CANCELED, "canceling statement due to statement timeout");
  }

  /** @param {Buffer} whole */
  #readyForQuery(whole) {
    this.status = String.fromCharCode(whole[HEADER_BYTES] ?? 0);
    this.copyingIn = false;
    if (this.#hideReadyForQuery) return undefined;
    this.awaitsSync = false;
    return Buffer.concat([...this.#takeParameterStatus(), whole]);
  }

  #copyInResponse() {
    this.copyingIn = true;
    this.#handlers.copyInResponse();
  }

  #takeParameterStatus() {
    return this.#changedParameters.splice(0).map(([name, value]) => parameterStatus(name, value));
  }
}
