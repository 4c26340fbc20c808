/** Accepts connections, brings them through start-up and keeps the list of sessions. */
import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { Handshake } from "./handshake.mjs";
import { StartError } from "./log.mjs";
import { errorResponse, negotiateVersion } from "./protocol.mjs";
import { Session } from "./session.mjs";
import { readDefaults } from "./startup.mjs";

const DATABASE = "postgres";
// The build's conversion libraries do not load; using one would crash the engine.
const ENCODINGS = new Set(["", "utf8", "unicode", "sqlascii"]);

export class Server {
  #backend;
  #idleMs;
  #server = createServer({ noDelay: true }, (socket) => this.#connected(socket));
  /** @type {Map<number, Session>} */ #sessions = new Map();
  #lastPid = 0;

  /** @param {import('./backend.mjs').Backend} backend @param {number} idleMs */
  constructor(backend, idleMs) {
    this.#backend = backend;
    this.#idleMs = idleMs;
    backend.engine.onConsumed = () => this.#sessions.forEach((session) => session.throttle());
  }

  /**
   * @param {string} host
   * @param {number} port 0 for any free one
   * @returns {Promise<number>} the port
   * @throws {StartError} when the port is taken
   */
  async listen(host, port) {
    await new Promise((resolve, reject) => {
      this.#server.once("error", (error) => reject(asStartError(error, port)));
      this.#server.listen(port, host, () => resolve(undefined));
    });
    return /** @type {import('node:net').AddressInfo} */ (this.#server.address()).port;
  }

  /** Takes no more connections and ends all sessions; a running unit may finish. */
  shutDown() {
    this.#server.close();
    this.#sessions.forEach((session) => session.shutDown());
  }

  /** @param {import('node:net').Socket} socket */
  #connected(socket) {
    socket.on("error", () => socket.destroy());
    new Handshake(socket, {
      cancel: (pid, secret) => this.#cancel(pid, secret),
      start: (start, rest) => this.#start(socket, start, rest),
    });
  }

  /** @param {number} pid @param {number} secret */
  #cancel(pid, secret) {
    const session = this.#sessions.get(pid);
    if (session?.secret === secret) session.cancel();
  }

  /**
   * @param {import('node:net').Socket} socket
   * @param {import('./handshake.mjs').Start} start
   * @param {Buffer} rest what the client has sent already
   */
  #start(socket, { minor, parameters }, rest) {
    const defaults = readDefaults(parameters);
    const refusal = refuse(parameters, defaults);
    if (refusal) {
      socket.end(refusal);
      return;
    }
    defaults.delete("client_encoding");
    const session = this.#open(socket, defaults);
    const options = [...parameters.keys()].filter((name) => name.startsWith("_pq_."));
    void session.start(minor > 0 || options.length > 0 ? [negotiateVersion(0, options)] : []);
    if (rest.length > 0) session.receive(rest);
  }

  /** @param {import('node:net').Socket} socket @param {Map<string, string>} defaults */
  #open(socket, defaults) {
    const pid = (this.#lastPid += 1);
    const session = new Session(this.#backend, socket, {
      pid,
      secret: randomInt(2 ** 31),
      defaults,
      idleMs: this.#idleMs,
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
 * @returns {Buffer | undefined} why there can be no such session
 */
function refuse(parameters, defaults) {
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
function asStartError(error, port) {
  if (error.code !== "EADDRINUSE") return error;
  return new StartError(
    "port_in_use",
    `port ${port} is taken; stop what uses it or choose another --port`,
  );
}
