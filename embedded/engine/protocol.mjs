/** Writes and reads messages of the PostgreSQL frontend/backend protocol, version 3. */

/** @typedef {{type: string, body: Buffer}} Message */

export const HEADER_BYTES = 5;

/**
 * @param {string} type one character
 * @param {...(Uint8Array | string)} parts strings are written with their terminating zero
 * @returns {Buffer}
 */
export function message(type, ...parts) {
  const body = parts.map((part) => (typeof part === "string" ? Buffer.from(`${part}\0`) : part));
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(type, "latin1");
  header.writeInt32BE(4 + body.reduce((sum, part) => sum + part.length, 0), 1);
  return Buffer.concat([header, ...body]);
}

/** @param {string} sql */
export const query = (sql) => message("Q", sql);
export const sync = () => message("S");
/** @param {string} reason */
export const copyFail = (reason) => message("f", reason);
/** @param {string} name */
export const closeStatement = (name) => message("C", Buffer.from("S"), name);
/** @param {'I' | 'T' | 'E'} status */
export const readyForQuery = (status) => message("Z", Buffer.from(status));
export const authenticationOk = () => message("R", int32(0));
/** @param {string} name @param {string} value */
export const parameterStatus = (name, value) => message("S", name, value);
/** @param {number} pid @param {number} secret */
export const backendKeyData = (pid, secret) => message("K", int32(pid), int32(secret));

/**
 * @param {'ERROR' | 'FATAL'} severity
 * @param {string} code SQLSTATE
 * @param {string} text
 */
export function errorResponse(severity, code, text) {
  const fields = [`S${severity}`, `V${severity}`, `C${code}`, `M${text}`];
  return message("E", ...fields, Buffer.alloc(1));
}

/**
 * @param {number} minorVersion the newest that is supported
 * @param {string[]} unknownOptions protocol options that are not supported
 */
export function negotiateProtocolVersion(minorVersion, unknownOptions) {
  return message("v", int32(minorVersion), int32(unknownOptions.length), ...unknownOptions);
}

/** @param {number} value */
export function int32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value | 0);
  return bytes;
}

/**
 * @param {Buffer} bytes whole messages
 * @returns {Message[]}
 */
export function splitMessages(bytes) {
  const messages = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + bytes.readInt32BE(at + 1);
    messages.push({
      type: bytes.toString("latin1", at, at + 1),
      body: bytes.subarray(at + HEADER_BYTES, end),
    });
    at = end;
  }
  return messages;
}

/**
 * @param {Buffer} body of an ErrorResponse or NoticeResponse
 * @returns {Map<string, string>} by field code: C is the SQLSTATE, M the text
 */
export function errorFields(body) {
  const fields = readStrings(body, 0).filter((field) => field !== "");
  return new Map(fields.map((field) => [field.charAt(0), field.slice(1)]));
}

/**
 * @param {Buffer} body
 * @param {number} from
 * @returns {string[]} zero-terminated strings up to the end
 */
export function readStrings(body, from) {
  const strings = [];
  for (let at = from, end; at < body.length && (end = body.indexOf(0, at)) >= 0; at = end + 1) {
    strings.push(body.toString("utf8", at, end));
  }
  return strings;
}

/**
 * @param {Buffer} body
 * @param {number} at
 * @returns {{text: string, next: number}} the zero-terminated string there and where it ends
 * @throws {ProtocolError} when it does not end
 */
export function readString(body, at) {
  const end = body.indexOf(0, at);
  if (end < 0) throw new ProtocolError("invalid string in message");
  return { text: body.toString("utf8", at, end), next: end + 1 };
}

/**
 * @param {Buffer} body of a DataRow in text format
 * @returns {(string | null)[]}
 */
export function readDataRow(body) {
  const values = [];
  let at = 2;
  for (let column = 0; column < body.readInt16BE(0); column += 1) {
    const size = body.readInt32BE(at);
    at += 4;
    values.push(size < 0 ? null : body.toString("utf8", at, at + size));
    at += Math.max(size, 0);
  }
  return values;
}

/** A client that does not speak the protocol: it gets FATAL 08P01. */
export class ProtocolError extends Error {}
