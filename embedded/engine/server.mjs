/** Accepts connections, starts their sessions and routes cancel requests to them. */
import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { Handshake } from "./handshake.mjs";
import { StartError } from "./log.mjs";
import { errorResponse, negotiateProtocolVersion } from "./protocol.mjs";
import { Session } from "./session.mjs";
import { readSettings } from "./startup-packet.mjs";

const DATABASE = "postgres";
// The build's conversion libraries do not load; using one would crash the engine.
const ENCODINGS = new Set(["", "utf8", "unicode", "sqlascii"]);

export class Server {
  #backend;
  #idleTimeoutMs;
  #server = createServer({ noDelay: true }, (socket) => this.#onConnection(socket));
  /** @type {Map<number, Session>} */ #sessions = new Map();
  #lastPid = 0;

  /** @param {import('./backend.mjs').Backend} backend @param {number} idleTimeoutMs */
  constructor(backend, idleTimeoutMs) {
    this.#backend = backend;
    this.#idleTimeoutMs = idleTimeoutMs;
    backend.engine.onInputRead = () => this.#sessions.forEach((session) => session.throttle());
  }

  /**
   * @param {string} host
   * @param {number} port 0 for any free one
   * @returns {Promise<number>} the port
   * @throws {StartError} when the port is in use
   */
  async listen(host, port) {
    await new Promise((resolve, reject) => {
      this.#server.once("error", (error) => reject(toStartError(error, port)));
      this.#server.listen(port, host, () => resolve(undefined));
    });
    return /** @type {import('node:net').AddressInfo} */ (this.#server.address()).port;
  }

  /** Accepts no more connections and ends all sessions; a running batch may finish. */
  shutDown() {
    this.#server.close();
    this.#sessions.forEach((session) => session.shutDown());
  }

  /** @param {import('node:net').Socket} socket */
  #onConnection(socket) {
    socket.on("error", () => socket.destroy());
    new Handshake(socket, {
      cancel: (pid, secret) => this.#cancel(pid, secret),
      start: (startup, rest) => this.#startSession(socket, startup, rest),
    });
  }

  /** @param {number} pid @param {number} secret */
  #cancel(pid, secret) {
    const session = this.#sessions.get(pid);
    if (session?.secret === secret) session.cancel();
  }

  /**
   * @param {import('node:net').Socket} socket
   * @param {import('./startup-packet.mjs').StartupMessage} startup
   * @param {Buffer} rest what the client has sent after it already
   */
  #startSession(socket, { minorVersion, parameters }, rest) {
    const defaults = readSettings(parameters);
    const error = validateStartup(parameters, defaults);
    if (error) {
      socket.end(error);
      return;
    }
    defaults.delete("client_encoding");
    const session = this.#openSession(socket, defaults);
    const options = [...parameters.keys()].filter((name) => name.startsWith("_pq_."));
    const isNegotiated = minorVersion > 0 || options.length > 0;
    void session.start(
      `${parameters.get("user")}`,
      isNegotiated ? [negotiateProtocolVersion(0, options)] : [],
    );
    if (rest.length > 0) session.receive(rest);
  }

  /** @param {import('node:net').Socket} socket @param {Map<string, string>} defaults */
  #openSession(socket, defaults) {
    const pid = (this.#lastPid += 1);
    const session = new Session(this.#backend, socket, {
      pid,
      secret: randomInt(2 ** 31),
      defaults,
      idleTimeoutMs: this.#idleTimeoutMs,
    });
    this.#sessions.set(pid, session);
    socket.on("data", (data) => session.receive(data));
    socket.on("close", () => this.#sessions.delete(pid));
    return session;
  }
}

/**
 * @param {Map<string, string>} parameters
 * @param {Map<string, string>} defaults
 * @returns {Buffer | undefined} the ErrorResponse if there can be no such session
 */
function validateStartup(parameters, defaults) {
  const database = parameters.get("database") ?? parameters.get("user");
  const encoding = defaults.get("client_encoding") ?? "";
  if (database !== DATABASE)
    return errorResponse(
      "FATAL",
      "3D000",
      `database "${database}" does not exist; the embedded engine has only "${DATABASE}"`,
    );
  if (!ENCODINGS.has(encoding.toLowerCase().replace(/[^a-z0-9]/g, "")))
    return errorResponse(
      "FATAL",
      "0A000",
      `the embedded engine speaks UTF8 only, not "${encoding}"`,
    );
  return undefined;
}

/** @param {NodeJS.ErrnoException} error @param {number} port */
function toStartError(error, port) {
  if (error.code !== "EADDRINUSE") return error;
  return new StartError(
    "port_in_use",
    `port ${port} is taken; stop what uses it or choose another --port`,
  );
}
