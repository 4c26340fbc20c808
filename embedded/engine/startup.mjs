/** The start of a connection, before it is a session: encryption refused, parameters read. */
import { ProtocolError, readStrings } from "./protocol.mjs";

const MAX_STARTUP_BYTES = 10_000;
const SSL_REQUEST = 80877103;
const GSS_REQUEST = 80877104;
const CANCEL_REQUEST = 80877102;
const MAJOR_VERSION = 3;

/**
 * @typedef {{kind: 'refuse'} | {kind: 'cancel', pid: number, secret: number}
 *   | {kind: 'start', minor: number, parameters: Map<string, string>}} Startup
 */

/**
 * Reads one packet from the front of what has arrived.
 * @param {Buffer} bytes
 * @returns {{startup: Startup, size: number} | undefined} undefined while incomplete
 * @throws {ProtocolError} when no PostgreSQL client would send this
 */
export function readStartup(bytes) {
  if (bytes.length < 4) return undefined;
  const size = bytes.readUInt32BE(0);
  if (size < 8 || size > MAX_STARTUP_BYTES)
    throw new ProtocolError("invalid length of startup packet");
  return bytes.length < size ? undefined : { startup: interpret(bytes.subarray(4, size)), size };
}

/** @param {Buffer} body @returns {Startup} */
function interpret(body) {
  const code = body.readUInt32BE(0);
  if (code === SSL_REQUEST || code === GSS_REQUEST) return { kind: "refuse" };
  if (code === CANCEL_REQUEST && body.length >= 12) {
    return { kind: "cancel", pid: body.readInt32BE(4), secret: body.readInt32BE(8) };
  }
  if (code >> 16 !== MAJOR_VERSION) throw new ProtocolError("unsupported frontend protocol");
  return { kind: "start", minor: code & 0xffff, parameters: readParameters(body) };
}

/** @param {Buffer} body */
function readParameters(body) {
  if (body[body.length - 1] !== 0)
    throw new ProtocolError("invalid startup packet layout: expected terminator as last byte");
  const strings = readStrings(body, 4);
  const pairs = new Map();
  for (let at = 0; at + 1 < strings.length && strings[at] !== ""; at += 2)
    pairs.set(strings[at], strings[at + 1]);
  if (!pairs.get("user"))
    throw new ProtocolError("no PostgreSQL user name specified in startup packet");
  return pairs;
}

/**
 * @param {Map<string, string>} parameters of the start-up packet
 * @returns {Map<string, string>} the settings among them, those in `options` included
 */
export function readDefaults(parameters) {
  const defaults = parseOptions(parameters.get("options") ?? "");
  for (const [name, value] of parameters) {
    if (!["user", "database", "options", "replication"].includes(name) && !name.startsWith("_pq_."))
      defaults.set(name, value);
  }
  return defaults;
}

/**
 * Reads `-c name=value` and `--name=value`, words apart by spaces, a backslash before a literal one.
 * @param {string} options
 * @returns {Map<string, string>}
 */
function parseOptions(options) {
  const words = [...options.matchAll(/(?:\\.|[^\s\\])+/g)].map(([word]) =>
    word.replace(/\\(.)/g, "$1"),
  );
  const joined = words.join("\0").replaceAll("-c\0", "-c").split("\0");
  return new Map(joined.flatMap(readOption));
}

/** @param {string} word @returns {[string, string][]} */
function readOption(word) {
  const [, name, value] = /^(?:-c|--)([^=]+)=(.*)$/s.exec(word) ?? [];
  return name === undefined ? [] : [[name.replaceAll("-", "_"), value ?? ""]];
}
