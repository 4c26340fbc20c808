/**
 * The engine's worker thread. It behaves like a PostgreSQL server process: it runs one batch of
 * messages at a time and blocks where a server process would, also in a COPY FROM STDIN.
 */
import { mkdirSync } from "node:fs";
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { ByteQueue } from "./byte-queue.mjs";
import { initializeDatabase } from "./database-init.mjs";
import { Interrupts } from "./interrupts.mjs";
import { ReportedParameters } from "./reported-parameters.mjs";
import { startWasmServer } from "./wasm.mjs";
import { BLOCKED, MESSAGE_COUNT, PENDING_OUTPUT_BYTES, WINDOW_BYTES } from "./worker-channel.mjs";

const OUTPUT_CHUNK_BYTES = 64 * 1024;
const CONSUMED_REPORT_BYTES = 1024 * 1024;

/** @type {{slots: Int32Array, packageFolder: string, clusterFolder: string, initdb: boolean}} */
const { slots, packageFolder, clusterFolder, initdb } = workerData;
const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);

class EngineWorker {
  #input = new ByteQueue();
  #output = Buffer.allocUnsafe(OUTPUT_CHUNK_BYTES);
  #outputSize = 0;
  /** Input bytes read and not yet reported. */ #consumedBytes = 0;
  /** @type {Interrupts} */ #interrupts;
  #parameters;
  /** @type {import('./wasm.mjs').WasmServer} */ #server;

  /** @param {import('./wasm.mjs').WasmServer} server @param {Interrupts} interrupts */
  constructor(server, interrupts) {
    this.#server = server;
    this.#interrupts = interrupts;
    this.#parameters = new ReportedParameters(server.setting);
    const { module } = server;
    const read = module.addFunction(
      (/** @type {number} */ at, /** @type {number} */ size) => this.#read(at, size),
      "iii",
    );
    const write = module.addFunction(
      (/** @type {number} */ at, /** @type {number} */ size) => this.#write(at, size),
      "iii",
    );
    module._set_read_write_cbs(read, write);
  }

  /** Serves until the main thread sends the message to stop. */
  serve() {
    post({ kind: "ready", parameters: this.#parameters.takeChanges() });
    for (let message = nextMessage(); message.kind !== "stop"; message = nextMessage()) {
      // CopyData without a batch belongs to a COPY that has failed already.
      if (message.kind === "batch") this.#runBatch(message.bytes);
    }
    this.#server.module._pgl_shutdown();
    post({ kind: "stopped" });
  }

  /**
   * Runs messages at start, before the main thread sends any.
   * @param {Uint8Array} bytes
   * @returns {Buffer} the response
   */
  execute(bytes) {
    this.#input.push(bytes);
    this.#processInput();
    const response = Buffer.from(this.#output.subarray(0, this.#outputSize));
    this.#outputSize = 0;
    return response;
  }

  /** @param {Uint8Array} bytes */
  #runBatch(bytes) {
    this.#input.push(bytes);
    this.#interrupts.beginBatch();
    this.#processInput();
    this.#interrupts.endBatch();
    this.#reportConsumed();
    post({ kind: "done", bytes: this.#takeOutput(), parameters: this.#parameters.takeChanges() });
  }

  /** The server returns whenever its 8 kB buffer runs empty between two messages. */
  #processInput() {
    while (this.#input.size > 0) {
      this.#interrupts.disable();
      this.#server.module._interactive_one(this.#input.size, this.#input.peek());
    }
  }

  /** @param {number} at @param {number} size */
  #read(at, size) {
    this.#interrupts.enable();
    while (this.#input.size === 0) this.#awaitCopyData();
    const { HEAPU8 } = this.#server.module;
    const read = this.#input.read(HEAPU8.subarray(at, at + size));
    this.#consumedBytes += read;
    if (this.#consumedBytes >= CONSUMED_REPORT_BYTES) this.#reportConsumed();
    return read;
  }

  /** Returning 0 to the server would kill it, so this waits, for ever if need be. */
  #awaitCopyData() {
    this.#flush();
    this.#reportConsumed();
    const message = nextMessage();
    if (message.kind === "copyData") this.#input.push(message.bytes);
  }

  #reportConsumed() {
    if (this.#consumedBytes > 0) post({ kind: "consumed", sizeBytes: this.#consumedBytes });
    this.#consumedBytes = 0;
  }

  /** @param {number} at @param {number} size */
  #write(at, size) {
    const { HEAPU8 } = this.#server.module;
    for (let from = at; from < at + size;) {
      const part = Math.min(at + size - from, OUTPUT_CHUNK_BYTES - this.#outputSize);
      this.#output.set(HEAPU8.subarray(from, from + part), this.#outputSize);
      this.#outputSize += part;
      from += part;
      if (this.#outputSize === OUTPUT_CHUNK_BYTES) this.#flush();
    }
    return size;
  }

  #flush() {
    if (this.#outputSize === 0) return;
    post({ kind: "output", bytes: this.#takeOutput() });
    awaitOutputWindow();
  }

  #takeOutput() {
    const bytes = new Uint8Array(this.#output.subarray(0, this.#outputSize));
    Atomics.add(slots, PENDING_OUTPUT_BYTES, this.#outputSize);
    this.#outputSize = 0;
    return bytes;
  }
}

/** @param {import('./worker-channel.mjs').FromWorker} message */
function post(message) {
  port.postMessage(message, "bytes" in message ? [message.bytes.buffer] : []);
}

/** @returns {import('./worker-channel.mjs').ToWorker} */
function nextMessage() {
  for (;;) {
    const count = Atomics.load(slots, MESSAGE_COUNT);
    const received = receiveMessageOnPort(port);
    if (received) return received.message;
    blockUntilChanged(MESSAGE_COUNT, count);
  }
}

function awaitOutputWindow() {
  for (let size = pendingOutputBytes(); size > WINDOW_BYTES; size = pendingOutputBytes()) {
    blockUntilChanged(PENDING_OUTPUT_BYTES, size);
  }
}

function pendingOutputBytes() {
  return Atomics.load(slots, PENDING_OUTPUT_BYTES);
}

/** @param {number} slot @param {number} value */
function blockUntilChanged(slot, value) {
  Atomics.store(slots, BLOCKED, 1);
  Atomics.wait(slots, slot, value);
  Atomics.store(slots, BLOCKED, 0);
}

async function createCluster() {
  mkdirSync(clusterFolder, { recursive: true });
  const interrupts = new Interrupts(slots);
  const { module } = await startWasmServer(packageFolder, clusterFolder, "template1", interrupts);
  module._pgl_shutdown();
  post({ kind: "stopped" });
}

async function serve() {
  const interrupts = new Interrupts(slots);
  const server = await startWasmServer(packageFolder, clusterFolder, "postgres", interrupts);
  const worker = new EngineWorker(server, interrupts);
  initializeDatabase((bytes) => worker.execute(bytes));
  worker.serve();
}

await (initdb ? createCluster() : serve());
