/** Cuts the two directions of a connection into messages, however the bytes arrive. */
import { HEADER_BYTES, ProtocolError } from "./protocol.mjs";

const CLIENT_TYPES = new Set("QPBEDCHSFdcfX");
const COPY_DATA = "d";
/** Longest message that is taken; the engine has 2 GB of memory for everything. */
export const MAX_MESSAGE_BYTES = 128 * 1024 * 1024;
/** CopyData above this size is passed on in pieces, so that nobody has to hold all of it. */
const PIECE_BYTES = 64 * 1024;

/**
 * A whole message, header included; or a piece of CopyData, of which only the first has a header.
 * @typedef {{type: string, bytes: Buffer, last: boolean}} ClientMessage
 */

/** Splits what a client sends after its start-up message. */
export class ClientFraming {
  /** @type {Buffer[]} */ #chunks = [];
  #size = 0;
  /** Bytes still missing from the CopyData that is being passed on. */
  #copyRemaining = 0;

  /**
   * @param {Buffer} chunk
   * @returns {Generator<ClientMessage>}
   * @throws {ProtocolError} at an unknown type or an impossible length
   */
  *push(chunk) {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    for (let next = this.#next(); next; next = this.#next()) yield next;
  }

  /** @returns {number} bytes that the client owes to complete a CopyData already passed on in part */
  get owed() {
    return this.#copyRemaining;
  }

  /** @returns {ClientMessage | undefined} */
  #next() {
    if (this.#size === 0) return undefined;
    if (this.#copyRemaining > 0) return this.#copyPiece(Math.min(this.#size, this.#copyRemaining));
    if (this.#size < HEADER_BYTES) return undefined;
    const { type, size } = this.#header();
    if (this.#size >= size) return { type, bytes: this.#take(size), last: true };
    if (type !== COPY_DATA || this.#size < PIECE_BYTES) return undefined;
    this.#copyRemaining = size;
    return this.#copyPiece(this.#size);
  }

  /** @param {number} size @returns {ClientMessage} */
  #copyPiece(size) {
    this.#copyRemaining -= size;
    return { type: COPY_DATA, bytes: this.#take(size), last: this.#copyRemaining === 0 };
  }

  #header() {
    if (this.#first().length < HEADER_BYTES) this.#join();
    const first = this.#first();
    const type = String.fromCharCode(first[0] ?? 0);
    const length = first.readInt32BE(1);
    if (!CLIENT_TYPES.has(type))
      throw new ProtocolError(`invalid frontend message type ${first[0]}`);
    if (length < 4 || length > MAX_MESSAGE_BYTES) throw new ProtocolError("invalid message length");
    return { type, size: length + 1 };
  }

  /** @param {number} size */
  #take(size) {
    if (this.#first().length < size) this.#join();
    const first = this.#first();
    this.#size -= size;
    if (first.length === size) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(size);
    return first.subarray(0, size);
  }

  #first() {
    return /** @type {Buffer} */ (this.#chunks[0]);
  }

  #join() {
    this.#chunks = [Buffer.concat(this.#chunks)];
  }
}

/**
 * Splits what the engine sends. Messages of the given types are shown whole to a visitor, which
 * decides what the client gets instead; all others pass through untouched, in pieces if need be.
 */
export class ServerFraming {
  #visited;
  #passRemaining = 0;
  /** @type {Buffer} */ #rest = Buffer.alloc(0);

  /** @param {string} types */
  constructor(types) {
    this.#visited = new Set(Buffer.from(types, "latin1"));
  }

  /** @returns {boolean} whether the client has a part of a message whose rest is still to come */
  get inMessage() {
    return this.#passRemaining > 0;
  }

  /**
   * @param {Buffer} chunk
   * @param {(type: string, whole: Buffer) => Buffer | undefined} visit
   * @returns {Buffer[]} what the client gets
   */
  push(chunk, visit) {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    /** @type {Buffer[]} */ const passed = [];
    let passedFrom = 0;
    let at = this.#skip(bytes, 0);
    while (at + HEADER_BYTES <= bytes.length) {
      const end = at + 1 + bytes.readInt32BE(at + 1);
      if (!this.#visited.has(/** @type {number} */ (bytes[at]))) {
        this.#passRemaining = end - at;
        at = this.#skip(bytes, at);
        continue;
      }
      if (end > bytes.length) break;
      const replacement = visit(bytes.toString("latin1", at, at + 1), bytes.subarray(at, end));
      passed.push(bytes.subarray(passedFrom, at), ...(replacement ? [replacement] : []));
      passedFrom = end;
      at = end;
    }
    passed.push(bytes.subarray(passedFrom, at));
    this.#rest = bytes.subarray(at);
    return passed.filter((part) => part.length > 0);
  }

  /** @param {Buffer} bytes @param {number} at @returns {number} where the passed message ends here */
  #skip(bytes, at) {
    const size = Math.min(this.#passRemaining, bytes.length - at);
    this.#passRemaining -= size;
    return at + size;
  }
}
