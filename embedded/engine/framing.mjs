/** Splits the two byte streams of a connection into messages, however the bytes arrive. */
import { HEADER_BYTES, ProtocolError } from "./protocol.mjs";

const FRONTEND_TYPES = new Set("QPBEDCHSFdcfX");
const COPY_DATA = "d";
/** Longest message that is accepted; the engine has 2 GB of memory for everything. */
export const MAX_MESSAGE_BYTES = 128 * 1024 * 1024;
/** CopyData above this size is passed on in pieces, so that no message is buffered whole. */
const COPY_PIECE_BYTES = 64 * 1024;

/**
 * A whole message, header included; or a piece of CopyData, of which only the first has a header.
 * @typedef {{type: string, bytes: Buffer, last: boolean}} FrontendMessage
 */

/** Splits what a client sends after its StartupMessage. */
export class FrontendDecoder {
  /** @type {Buffer[]} */ #chunks = [];
  #size = 0;
  /** Bytes still missing from the CopyData that is being passed on. */
  #missingCopyBytes = 0;

  /**
   * @param {Buffer} chunk
   * @returns {Generator<FrontendMessage>}
   * @throws {ProtocolError} at an unknown type or an impossible length
   */
  *push(chunk) {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    for (let next = this.#next(); next; next = this.#next()) yield next;
  }

  /** @returns {number} bytes missing of a CopyData that was passed on in part */
  get missingCopyBytes() {
    return this.#missingCopyBytes;
  }

  /** @returns {FrontendMessage | undefined} */
  #next() {
    if (this.#size === 0) return undefined;
    if (this.#missingCopyBytes > 0)
      return this.#copyPiece(Math.min(this.#size, this.#missingCopyBytes));
    if (this.#size < HEADER_BYTES) return undefined;
    const { type, size } = this.#header();
    if (this.#size >= size) return { type, bytes: this.#take(size), last: true };
    if (type !== COPY_DATA || this.#size < COPY_PIECE_BYTES) return undefined;
    this.#missingCopyBytes = size;
    return this.#copyPiece(this.#size);
  }

  /** @param {number} size @returns {FrontendMessage} */
  #copyPiece(size) {
    this.#missingCopyBytes -= size;
    return { type: COPY_DATA, bytes: this.#take(size), last: this.#missingCopyBytes === 0 };
  }

  #header() {
    if (this.#first().length < HEADER_BYTES) this.#join();
    const first = this.#first();
    const type = String.fromCharCode(first[0] ?? 0);
    const length = first.readInt32BE(1);
    if (!FRONTEND_TYPES.has(type))
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
 * Splits what the engine sends. Messages of the given types are handed whole to a function, which
 * returns what the client gets instead; all others pass through unchanged, in pieces if need be.
 */
export class BackendDecoder {
  #interceptedTypes;
  #remainingBytes = 0;
  /** @type {Buffer} */ #incomplete = Buffer.alloc(0);

  /** @param {string} types */
  constructor(types) {
    this.#interceptedTypes = new Set(Buffer.from(types, "latin1"));
  }

  /** @returns {boolean} whether the client has a message only in part */
  get inMessage() {
    return this.#remainingBytes > 0;
  }

  /**
   * @param {Buffer} chunk
   * @param {(type: string, whole: Buffer) => Buffer | undefined} intercept
   * @returns {Buffer[]} what the client gets
   */
  push(chunk, intercept) {
    const bytes = this.#incomplete.length > 0 ? Buffer.concat([this.#incomplete, chunk]) : chunk;
    /** @type {Buffer[]} */ const output = [];
    let copiedTo = 0;
    let at = this.#skip(bytes, 0);
    while (at + HEADER_BYTES <= bytes.length) {
      const end = at + 1 + bytes.readInt32BE(at + 1);
      if (!this.#interceptedTypes.has(/** @type {number} */ (bytes[at]))) {
        this.#remainingBytes = end - at;
        at = this.#skip(bytes, at);
        continue;
      }
      if (end > bytes.length) break;
      const replacement = intercept(bytes.toString("latin1", at, at + 1), bytes.subarray(at, end));
      output.push(bytes.subarray(copiedTo, at), ...(replacement ? [replacement] : []));
      copiedTo = end;
      at = end;
    }
    output.push(bytes.subarray(copiedTo, at));
    this.#incomplete = bytes.subarray(at);
    return output.filter((part) => part.length > 0);
  }

  /**
   * Skips the rest of a message that passes through.
   * @param {Buffer} bytes
   * @param {number} at
   * @returns {number} where it ends in these bytes
   */
  #skip(bytes, at) {
    const size = Math.min(this.#remainingBytes, bytes.length - at);
    this.#remainingBytes -= size;
    return at + size;
  }
}
