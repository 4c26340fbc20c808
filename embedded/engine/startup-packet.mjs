/** Startup packets: SSLRequest, GSSENCRequest, CancelRequest, StartupMessage. */
import { ProtocolError, readStrings } from "./protocol.mjs";

const MAX_STARTUP_PACKET_BYTES = 10_000;
const SSL_REQUEST = 80877103;
const GSSENC_REQUEST = 80877104;
const CANCEL_REQUEST = 80877102;
const MAJOR_VERSION = 3;

/**
 * @typedef {{kind: 'encryptionRequest'} | {kind: 'cancelRequest', pid: number, secret: number}
 *   | StartupMessage} StartupPacket
 * @typedef {{kind: 'startupMessage', minorVersion: number, parameters: Map<string, string>}}
 *   StartupMessage
 */

/**
 * Reads one packet from the front of the bytes received.
 * @param {Buffer} bytes
 * @returns {{packet: StartupPacket, size: number} | undefined} undefined while incomplete
 * @throws {ProtocolError} when no PostgreSQL client would send this
 */
export function readStartupPacket(bytes) {
  if (bytes.length < 4) return undefined;
  const size = bytes.readUInt32BE(0);
  if (size < 8 || size > MAX_STARTUP_PACKET_BYTES)
    throw new ProtocolError("invalid length of startup packet");
  return bytes.length < size ? undefined : { packet: parsePacket(bytes.subarray(4, size)), size };
}

/** @param {Buffer} body @returns {StartupPacket} */
function parsePacket(body) {
  const code = body.readUInt32BE(0);
  if (code === SSL_REQUEST || code === GSSENC_REQUEST) return { kind: "encryptionRequest" };
  if (code === CANCEL_REQUEST && body.length >= 12) {
    return { kind: "cancelRequest", pid: body.readInt32BE(4), secret: body.readInt32BE(8) };
  }
  if (code >> 16 !== MAJOR_VERSION) throw new ProtocolError("unsupported frontend protocol");
  const parameters = parseParameters(body);
  return { kind: "startupMessage", minorVersion: code & 0xffff, parameters };
}

/** @param {Buffer} body */
function parseParameters(body) {
  if (body[body.length - 1] !== 0)
    throw new ProtocolError("invalid startup packet layout: expected terminator as last byte");
  const strings = readStrings(body, 4);
  const parameters = new Map();
  for (let at = 0; at + 1 < strings.length && strings[at] !== ""; at += 2)
    parameters.set(strings[at], strings[at + 1]);
  if (!parameters.get("user"))
    throw new ProtocolError("no PostgreSQL user name specified in startup packet");
  return parameters;
}

/**
 * @param {Map<string, string>} parameters of the StartupMessage
 * @returns {Map<string, string>} the settings among them, those in `options` included
 */
export function readSettings(parameters) {
  const settings = parseOptions(parameters.get("options") ?? "");
  for (const [name, value] of parameters) {
    if (!["user", "database", "options", "replication"].includes(name) && !name.startsWith("_pq_."))
      settings.set(name, value);
  }
  return settings;
}

/**
 * Reads `-c name=value` and `--name=value`: words are separated by spaces, a backslash escapes one.
 * @param {string} options
 * @returns {Map<string, string>}
 */
function parseOptions(options) {
  const words = [...options.matchAll(/(?:\\.|[^\s\\])+/g)].map(([word]) =>
    word.replace(/\\(.)/g, "$1"),
  );
  const joined = words.join("\0").replaceAll("-c\0", "-c").split("\0");
  return new Map(joined.flatMap(parseOption));
}

/** @param {string} word @returns {[string, string][]} */
function parseOption(word) {
  const [, name, value] = /^(?:-c|--)([^=]+)=(.*)$/s.exec(word) ?? [];
  return name === undefined ? [] : [[name.replaceAll("-", "_"), value ?? ""]];
}
