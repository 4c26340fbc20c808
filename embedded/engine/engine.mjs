/** The main thread's end of the engine: starts its worker, sends it messages, restarts it. */
import { Worker } from "node:worker_threads";
import { log, StartError } from "./log.mjs";
import { errorFields, query, readDataRow, splitMessages } from "./protocol.mjs";
import {
  BLOCKED,
  CANCEL_REQUESTED,
  createSlots,
  MESSAGE_COUNT,
  PENDING_OUTPUT_BYTES,
  STATEMENT_TIMEOUT_MS,
  TIMED_OUT,
} from "./worker-channel.mjs";

const RESTARTS_PER_MINUTE = 5;
/** How long a cancelled batch may go on before its worker is terminated. */
const CANCEL_GRACE_MS = 5000;
const OVERDUE_CHECK_INTERVAL_MS = 250;

/**
 * Receives a piece of output. `acknowledge` must be called once, when the client has it: until then
 * the engine counts it as in flight. `changedParameters` come with the last piece.
 * @typedef {(bytes: Buffer, acknowledge: () => void, changedParameters: Parameters) => void}
 *   OutputHandler
 * @typedef {[name: string, value: string][]} Parameters
 */

/**
 * @typedef {object} RunningBatch
 * @property {OutputHandler} onOutput
 * @property {() => void} resolve
 * @property {(error: Error) => void} reject
 * @property {number} startedAt by performance.now()
 * @property {number} cancelledAt likewise; Infinity if not cancelled
 */

/** The engine crashed under a batch, or had to be terminated; it is being restarted. */
export class EngineCrashed extends Error {
  /** @param {boolean} cancelled whether that was the only way to cancel the batch */
  constructor(cancelled) {
    super(
      cancelled
        ? "canceling statement by restarting the engine"
        : "the database engine crashed and was started again",
    );
    this.code = cancelled ? "57014" : "57P02";
  }
}

/** An error that the database reported to a query of the server's own. */
export class DatabaseError extends Error {
  /** @param {Map<string, string>} fields of the ErrorResponse */
  constructor(fields) {
    super(fields.get("M"));
    this.code = fields.get("C") ?? "XX000";
  }
}

export class Engine {
  #folders;
  #slots = createSlots();
  /** @type {Worker | undefined} */ #worker;
  /** @type {Promise<void>} */ #ready = Promise.resolve();
  /** @type {RunningBatch | undefined} */
  #batch;
  #stopping = false;
  /** Whether the engine crashed since ready() was last awaited. */ #crashed = false;
  /** Whether the worker is being terminated on purpose. */ #terminating = false;
  /** Times by performance.now(). @type {number[]} */ #crashes = [];
  /** Bytes posted and not yet read by the engine. */
  unreadBytes = 0;
  /** The settings that the engine reports. @type {Map<string, string>} */
  parameters = new Map();
  /** Called after a crash, when the new worker is ready. @type {() => void} */
  onRestart = () => {};
  /** Called whenever the engine has read some of its input. @type {() => void} */
  onInputRead = () => {};

  /** @param {string} packageFolder @param {string} clusterFolder */
  constructor(packageFolder, clusterFolder) {
    this.#folders = { packageFolder, clusterFolder };
  }

  /**
   * Creates the database cluster in its folder and returns when it is complete there.
   * @throws {StartError}
   */
  async initdb() {
    const worker = this.#spawn(true);
    await new Promise((resolve, reject) => {
      worker.once("error", reject);
      worker.once("exit", resolve);
    }).catch(throwStartError);
  }

  /** @throws {StartError} when the engine does not start */
  async start() {
    await this.#launch().catch(throwStartError);
    setInterval(() => this.#terminateIfOverdue(), OVERDUE_CHECK_INTERVAL_MS).unref();
  }

  /** Waits for a running engine; a crash after it is an error to whoever uses the engine. */
  async ready() {
    await this.#ready;
    this.#crashed = false;
  }

  /**
   * Runs a batch of messages.
   * @param {Uint8Array} bytes
   * @param {OutputHandler} onOutput
   * @returns {Promise<void>} resolves when the batch is processed and its response complete
   * @throws {EngineCrashed}
   */
  async execute(bytes, onOutput) {
    if (this.#crashed) throw new EngineCrashed(false);
    // Here and not in the worker, which might begin after a cancel request has come in.
    Atomics.store(this.#slots, CANCEL_REQUESTED, 0);
    Atomics.store(this.#slots, TIMED_OUT, 0);
    return new Promise((resolve, reject) => {
      const startedAt = performance.now();
      this.#batch = { onOutput, resolve, reject, startedAt, cancelledAt: Infinity };
      this.#send("batch", bytes);
    });
  }

  /**
   * More input for the running batch, while a COPY FROM STDIN is in progress.
   * @param {Uint8Array} bytes
   */
  sendCopyData(bytes) {
    if (this.#batch) this.#send("copyData", bytes);
  }

  /**
   * @param {string} sql one or more statements
   * @returns {Promise<(string | null)[][]>} all rows
   * @throws {DatabaseError}
   */
  async query(sql) {
    /** @type {Buffer[]} */ const response = [];
    await this.execute(query(sql), (bytes, acknowledge) => {
      response.push(bytes);
      acknowledge();
    });
    const messages = splitMessages(Buffer.concat(response));
    const error = messages.find(({ type }) => type === "E");
    if (error) throw new DatabaseError(errorFields(error.body));
    return messages.filter(({ type }) => type === "D").map(({ body }) => readDataRow(body));
  }

  /** Cancels the running batch, by terminating the worker if nothing else helps. */
  cancel() {
    if (!this.#batch) return;
    this.#batch.cancelledAt = Math.min(this.#batch.cancelledAt, performance.now());
    Atomics.store(this.#slots, CANCEL_REQUESTED, 1);
  }

  /** @returns {boolean} whether statement_timeout was the reason of the last cancellation */
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
        message.kind === "ready"
          ? resolve(this.#updateParameters(message.parameters))
          : this.#onMessage(message),
      );
      worker.on("error", (error) => log("error", "the engine failed", { reason: String(error) }));
      worker.on("error", reject);
      worker.on("exit", () => reject(new Error("the engine ended")));
      worker.on("exit", () => this.#onExit(worker));
    });
  }

  /** @param {boolean} initdb whether the worker creates the cluster and exits */
  #spawn(initdb) {
    this.#slots = createSlots();
    return new Worker(new URL("engine-worker.mjs", import.meta.url), {
      workerData: { ...this.#folders, slots: this.#slots, initdb },
      resourceLimits: { stackSizeMb: 64 },
    });
  }

  /**
   * @param {'batch' | 'copyData'} kind
   * @param {Uint8Array} bytes copied, since a Buffer may share its memory with others
   */
  #send(kind, bytes) {
    this.unreadBytes += bytes.length;
    this.#post({ kind, bytes: new Uint8Array(bytes) });
  }

  /** @param {import('./worker-channel.mjs').ToWorker} message */
  #post(message) {
    this.#worker?.postMessage(message, "bytes" in message ? [message.bytes.buffer] : []);
    Atomics.add(this.#slots, MESSAGE_COUNT, 1);
    Atomics.notify(this.#slots, MESSAGE_COUNT);
  }

  /** @param {import('./worker-channel.mjs').FromWorker} message */
  #onMessage(message) {
    if (message.kind === "consumed") this.#countRead(message.sizeBytes);
    if (message.kind === "output") this.#passOutput(message.bytes, []);
    if (message.kind === "done") this.#finish(message);
  }

  /** @param {{bytes: Uint8Array<ArrayBuffer>, parameters: Parameters}} last */
  #finish({ bytes, parameters }) {
    this.#updateParameters(parameters);
    this.#passOutput(bytes, parameters);
    const batch = this.#batch;
    this.#batch = undefined;
    this.#countRead(this.unreadBytes);
    batch?.resolve();
  }

  /** @param {Uint8Array<ArrayBuffer>} bytes @param {Parameters} changedParameters */
  #passOutput(bytes, changedParameters) {
    const slots = this.#slots;
    const acknowledge = () => acknowledgeOutput(slots, bytes.length);
    this.#batch?.onOutput(Buffer.from(bytes.buffer), acknowledge, changedParameters);
  }

  /** @param {number} sizeBytes */
  #countRead(sizeBytes) {
    this.unreadBytes -= sizeBytes;
    this.onInputRead();
  }

  /** @param {Parameters} parameters */
  #updateParameters(parameters) {
    for (const [name, value] of parameters) this.parameters.set(name, value);
  }

  /** @param {Worker} worker */
  #onExit(worker) {
    if (this.#stopping || worker !== this.#worker) return;
    const batch = this.#batch;
    this.#batch = undefined;
    this.#countRead(this.unreadBytes);
    this.#crashed = true;
    this.#countCrash();
    this.#ready = this.#relaunch();
    batch?.reject(new EngineCrashed(this.#terminating));
    this.#terminating = false;
  }

  async #relaunch() {
    await this.#launch().catch((error) => exitWithError(String(error)));
    this.onRestart();
    log("warning", "the engine was started again");
  }

  #countCrash() {
    const now = performance.now();
    this.#crashes = [...this.#crashes.filter((at) => now - at < 60_000), now];
    if (this.#crashes.length > RESTARTS_PER_MINUTE)
      exitWithError(`more than ${RESTARTS_PER_MINUTE} crashes in a minute`);
  }

  /** Terminates a worker that computes on although its batch was cancelled or has timed out. */
  #terminateIfOverdue() {
    if (!this.#batch || Atomics.load(this.#slots, BLOCKED) === 1) return;
    const { cancelledAt, startedAt } = this.#batch;
    const timeoutMs = Atomics.load(this.#slots, STATEMENT_TIMEOUT_MS);
    const dueAt = Math.min(cancelledAt, timeoutMs > 0 ? startedAt + timeoutMs : Infinity);
    if (performance.now() < dueAt + CANCEL_GRACE_MS) return;
    log("warning", "a statement did not stop when cancelled; terminating the engine under it");
    this.#terminating = true;
    this.#worker?.terminate();
  }
}

/** @param {Int32Array} slots @param {number} sizeBytes */
function acknowledgeOutput(slots, sizeBytes) {
  Atomics.sub(slots, PENDING_OUTPUT_BYTES, sizeBytes);
  Atomics.notify(slots, PENDING_OUTPUT_BYTES);
}

/** @param {unknown} error @returns {never} */
function throwStartError(error) {
  throw new StartError("engine_start", `the engine does not start: ${error}`);
}

/** @param {string} reason @returns {never} */
function exitWithError(reason) {
  log("error", "giving up", { reason });
  process.exit(1);
}
