/** The main thread's end of the engine: starts its thread, feeds it, and replaces it when it dies. */
import { Worker } from "node:worker_threads";
import {
  CANCEL,
  createSlots,
  OUTSTANDING,
  TIMED_OUT,
  TIMEOUT_MS,
  WAITING,
  WAKE,
} from "./channel.mjs";
import { log, StartError } from "./log.mjs";
import { errorFields, query, readRow, splitMessages } from "./protocol.mjs";

const RESTARTS_PER_MINUTE = 5;
/** How long an interrupted unit may go on before its thread is ended. */
const INTERRUPT_GRACE_MS = 5000;
const WATCH_MS = 250;

/**
 * Takes a piece of output. `taken` must be called once, when the client has it: until then the
 * engine counts it as under way. `parameters` come with the last piece.
 * @typedef {(bytes: Buffer, taken: () => void, parameters: [string, string][]) => void} Receive
 */

/**
 * What the engine is at.
 * @typedef {object} Job
 * @property {Receive} receive
 * @property {() => void} resolve
 * @property {(error: Error) => void} reject
 * @property {number} startedAt by performance.now()
 * @property {number} cancelledAt likewise; Infinity if not cancelled
 */

/** The engine died under a unit, or had to be ended; it is being started again. */
export class EngineCrashed extends Error {
  /** @param {boolean} interrupted whether that was the only way to interrupt the unit */
  constructor(interrupted) {
    super(
      interrupted
        ? "canceling statement by restarting the engine"
        : "the database engine crashed and was started again",
    );
    this.code = interrupted ? "57014" : "57P02";
  }
}

/** An error that the database reported to the server itself. */
export class DatabaseError extends Error {
  /** @param {Map<string, string>} fields of the ErrorResponse */
  constructor(fields) {
    super(fields.get("M"));
    this.code = fields.get("C") ?? "XX000";
  }
}

export class Engine {
  #threadData;
  #slots = createSlots();
  /** @type {Worker | undefined} */ #worker;
  /** @type {Promise<void>} */ #ready = Promise.resolve();
  /** @type {Job | undefined} */
  #job;
  #stopping = false;
  /** Whether the engine died since somebody last asked for it. */ #died = false;
  /** Whether the thread is being ended on purpose. */ #ending = false;
  /** @type {number[]} */ #crashes = [];
  /** Bytes posted and not yet read by the engine. */
  unconsumed = 0;
  /** What the engine reports as its settings. @type {Map<string, string>} */
  parameters = new Map();
  /** Called after a crash, when the new thread is ready. @type {() => void} */
  onRestart = () => {};
  /** Called whenever the engine has read some of its input. @type {() => void} */
  onConsumed = () => {};

  /** @param {string} packageFolder @param {string} clusterFolder */
  constructor(packageFolder, clusterFolder) {
    this.#threadData = { packageFolder, clusterFolder };
  }

  /**
   * Creates the database cluster in its folder and returns when it is complete there.
   * @throws {StartError}
   */
  async create() {
    const worker = this.#spawn(true);
    await new Promise((resolve, reject) => {
      worker.once("error", reject);
      worker.once("exit", resolve);
    }).catch(asStartError);
  }

  /** @throws {StartError} when the engine does not come up */
  async start() {
    await this.#launch().catch(asStartError);
    setInterval(() => this.#watch(), WATCH_MS).unref();
  }

  /** Waits for a living engine; from here on its death is an error to whoever uses it. */
  async ready() {
    await this.#ready;
    this.#died = false;
  }

  /**
   * Runs messages up to the point where the engine wants more.
   * @param {Uint8Array} bytes
   * @param {Receive} receive
   * @returns {Promise<void>} resolves when everything is read and answered
   * @throws {EngineCrashed}
   */
  async execute(bytes, receive) {
    if (this.#died) throw new EngineCrashed(false);
    // Here and not in the thread, which might begin after a cancel has come in.
    Atomics.store(this.#slots, CANCEL, 0);
    Atomics.store(this.#slots, TIMED_OUT, 0);
    return new Promise((resolve, reject) => {
      this.#job = { receive, resolve, reject, startedAt: performance.now(), cancelledAt: Infinity };
      this.#send("unit", bytes);
    });
  }

  /**
   * More input for the running unit, as COPY wants it.
   * @param {Uint8Array} bytes
   */
  feed(bytes) {
    if (this.#job) this.#send("data", bytes);
  }

  /**
   * @param {string} sql one or more statements
   * @returns {Promise<(string | null)[][]>} all rows
   * @throws {DatabaseError}
   */
  async query(sql) {
    /** @type {Buffer[]} */ const answer = [];
    await this.execute(query(sql), (bytes, taken) => {
      answer.push(bytes);
      taken();
    });
    const messages = splitMessages(Buffer.concat(answer));
    const error = messages.find(({ type }) => type === "E");
    if (error) throw new DatabaseError(errorFields(error.body));
    return messages.filter(({ type }) => type === "D").map(({ body }) => readRow(body));
  }

  /** Interrupts the running unit, by ending the thread if nothing else helps. */
  cancel() {
    if (!this.#job) return;
    this.#job.cancelledAt = Math.min(this.#job.cancelledAt, performance.now());
    Atomics.store(this.#slots, CANCEL, 1);
  }

  /** @returns {boolean} whether the last interruption was due to statement_timeout */
  get timedOut() {
    return Atomics.load(this.#slots, TIMED_OUT) === 1;
  }

  /** Shuts the database down; the engine must be idle. */
  async stop() {
    this.#stopping = true;
    const worker = this.#worker;
    await new Promise((resolve) => {
      worker?.once("exit", resolve);
      this.#post({ kind: "stop" });
    });
  }

  async #launch() {
    const worker = this.#spawn(false);
    this.#worker = worker;
    await new Promise((resolve, reject) => {
      worker.on("message", (message) =>
        message.kind === "ready" ? resolve(this.#learn(message.parameters)) : this.#take(message),
      );
      worker.on("error", (error) => log("error", "the engine failed", { reason: String(error) }));
      worker.on("error", reject);
      worker.on("exit", () => reject(new Error("the engine ended")));
      worker.on("exit", () => this.#ended(worker));
    });
  }

  /** @param {boolean} creating */
  #spawn(creating) {
    this.#slots = createSlots();
    const workerData = { ...this.#threadData, slots: this.#slots, creating };
    const resourceLimits = { stackSizeMb: 64 };
    return new Worker(new URL("thread.mjs", import.meta.url), { workerData, resourceLimits });
  }

  /**
   * @param {'unit' | 'data'} kind
   * @param {Uint8Array} bytes copied, since a Buffer may share its memory with others
   */
  #send(kind, bytes) {
    this.unconsumed += bytes.length;
    this.#post({ kind, bytes: new Uint8Array(bytes) });
  }

  /** @param {import('./channel.mjs').ToEngine} message */
  #post(message) {
    this.#worker?.postMessage(message, "bytes" in message ? [message.bytes.buffer] : []);
    Atomics.add(this.#slots, WAKE, 1);
    Atomics.notify(this.#slots, WAKE);
  }

  /** @param {import('./channel.mjs').FromEngine} message */
  #take(message) {
    if (message.kind === "consumed") this.#noteConsumed(message.size);
    if (message.kind === "output") this.#hand(message.bytes, []);
    if (message.kind === "idle") this.#finish(message);
  }

  /** @param {{bytes: Uint8Array<ArrayBuffer>, parameters: [string, string][]}} last */
  #finish({ bytes, parameters }) {
    this.#learn(parameters);
    this.#hand(bytes, parameters);
    const job = this.#job;
    this.#job = undefined;
    this.#noteConsumed(this.unconsumed);
    job?.resolve();
  }

  /** @param {Uint8Array<ArrayBuffer>} bytes @param {[string, string][]} parameters */
  #hand(bytes, parameters) {
    const slots = this.#slots;
    this.#job?.receive(Buffer.from(bytes.buffer), () => giveRoom(slots, bytes.length), parameters);
  }

  /** @param {number} size */
  #noteConsumed(size) {
    this.unconsumed -= size;
    this.onConsumed();
  }

  /** @param {[string, string][]} parameters */
  #learn(parameters) {
    for (const [name, value] of parameters) this.parameters.set(name, value);
  }

  /** @param {Worker} worker */
  #ended(worker) {
    if (this.#stopping || worker !== this.#worker) return;
    const job = this.#job;
    this.#job = undefined;
    this.#noteConsumed(this.unconsumed);
    this.#died = true;
    this.#countCrash();
    this.#ready = this.#relaunch();
    job?.reject(new EngineCrashed(this.#ending));
    this.#ending = false;
  }

  async #relaunch() {
    await this.#launch().catch((error) => exitFor(String(error)));
    this.onRestart();
    log("warning", "the engine was started again");
  }

  #countCrash() {
    const now = performance.now();
    this.#crashes = [...this.#crashes.filter((at) => now - at < 60_000), now];
    if (this.#crashes.length > RESTARTS_PER_MINUTE)
      exitFor(`more than ${RESTARTS_PER_MINUTE} crashes in a minute`);
  }

  /** Ends a thread that computes on although it was told to stop. */
  #watch() {
    if (!this.#job || Atomics.load(this.#slots, WAITING) === 1) return;
    const timeout = Atomics.load(this.#slots, TIMEOUT_MS);
    const due = Math.min(
      this.#job.cancelledAt,
      timeout > 0 ? this.#job.startedAt + timeout : Infinity,
    );
    if (performance.now() < due + INTERRUPT_GRACE_MS) return;
    log("warning", "a statement did not stop when told to; ending the engine under it");
    this.#ending = true;
    this.#worker?.terminate();
  }
}

/** @param {Int32Array} slots @param {number} size */
function giveRoom(slots, size) {
  Atomics.sub(slots, OUTSTANDING, size);
  Atomics.notify(slots, OUTSTANDING);
}

/** @param {unknown} error @returns {never} */
function asStartError(error) {
  throw new StartError("engine_start", `the engine does not start: ${error}`);
}

/** @param {string} reason @returns {never} */
function exitFor(reason) {
  log("error", "giving up", { reason });
  process.exit(1);
}
