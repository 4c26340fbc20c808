/**
 * The engine's thread. It behaves like a real server process: it runs one unit of messages at a
 * time and blocks where a server process would block, also in the middle of COPY FROM STDIN.
 */
import { mkdirSync } from "node:fs";
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { OUTSTANDING, WAITING, WAKE, WINDOW_BYTES } from "./channel.mjs";
import { ByteQueue } from "./byte-queue.mjs";
import { Interrupts } from "./interrupts.mjs";
import { bootServer } from "./wasm.mjs";
import { prepareDatabase, REPORTED } from "./prepare.mjs";

const OUTPUT_CHUNK_BYTES = 64 * 1024;
const CONSUMED_REPORT_BYTES = 1024 * 1024;

/** @type {{slots: Int32Array, packageFolder: string, clusterFolder: string, creating: boolean}} */
const { slots, packageFolder, clusterFolder, creating } = workerData;
const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);

class EngineThread {
  #input = new ByteQueue();
  #output = Buffer.allocUnsafe(OUTPUT_CHUNK_BYTES);
  #outputSize = 0;
  #consumed = 0;
  /** @type {Interrupts} */ #interrupts;
  /** @type {Map<string, string>} */ #reported = new Map();
  /** @type {import('./wasm.mjs').Server} */ #server;

  /** @param {import('./wasm.mjs').Server} server @param {Interrupts} interrupts */
  constructor(server, interrupts) {
    this.#server = server;
    this.#interrupts = interrupts;
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

  /** Serves until the main thread asks to stop. */
  serve() {
    post({ kind: "ready", parameters: this.changedParameters() });
    for (let message = nextMessage(); message.kind !== "stop"; message = nextMessage()) {
      // Data without a unit belongs to a COPY that has failed already.
      if (message.kind === "unit") this.#runUnit(message.bytes);
    }
    this.#server.module._pgl_shutdown();
    post({ kind: "stopped" });
  }

  /**
   * Runs messages at start, before anybody else talks to the server.
   * @param {Uint8Array} bytes
   * @returns {Buffer} the answer
   */
  runAlone(bytes) {
    this.#input.push(bytes);
    this.#drain();
    const answer = Buffer.from(this.#output.subarray(0, this.#outputSize));
    this.#outputSize = 0;
    return answer;
  }

  /** @returns {[string, string][]} reported settings whose value is new since the last call */
  changedParameters() {
    /** @type {[string, string][]} */ const changed = [];
    for (const name of REPORTED) {
      const value = this.#server.setting(name);
      if (this.#reported.get(name) !== value) changed.push([name, value]);
      this.#reported.set(name, value);
    }
    return changed;
  }

  /** @param {Uint8Array} bytes */
  #runUnit(bytes) {
    this.#input.push(bytes);
    this.#interrupts.started();
    this.#drain();
    this.#interrupts.ended();
    this.#reportConsumed();
    post({ kind: "idle", bytes: this.#takeOutput(), parameters: this.changedParameters() });
  }

  /** The server returns whenever its 8 kB buffer runs empty between two messages. */
  #drain() {
    while (this.#input.size > 0) {
      this.#interrupts.entering();
      this.#server.module._interactive_one(this.#input.size, this.#input.firstByte());
    }
  }

  /** @param {number} at @param {number} size */
  #read(at, size) {
    this.#interrupts.reading();
    while (this.#input.size === 0) this.#awaitData();
    const { HEAPU8 } = this.#server.module;
    const read = this.#input.read(HEAPU8.subarray(at, at + size));
    this.#consumed += read;
    if (this.#consumed >= CONSUMED_REPORT_BYTES) this.#reportConsumed();
    return read;
  }

  /** Returning 0 to the server would kill it, so this waits, for ever if need be. */
  #awaitData() {
    this.#flush();
    this.#reportConsumed();
    const message = nextMessage();
    if (message.kind === "data") this.#input.push(message.bytes);
  }

  #reportConsumed() {
    if (this.#consumed > 0) post({ kind: "consumed", size: this.#consumed });
    this.#consumed = 0;
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
    awaitRoom();
  }

  #takeOutput() {
    const bytes = new Uint8Array(this.#output.subarray(0, this.#outputSize));
    Atomics.add(slots, OUTSTANDING, this.#outputSize);
    this.#outputSize = 0;
    return bytes;
  }
}

/** @param {import('./channel.mjs').FromEngine} message */
function post(message) {
  port.postMessage(message, "bytes" in message ? [message.bytes.buffer] : []);
}

/** @returns {import('./channel.mjs').ToEngine} */
function nextMessage() {
  for (;;) {
    const seen = Atomics.load(slots, WAKE);
    const received = receiveMessageOnPort(port);
    if (received) return received.message;
    waiting(() => Atomics.wait(slots, WAKE, seen));
  }
}

function awaitRoom() {
  for (let size = outstanding(); size > WINDOW_BYTES; size = outstanding()) {
    waiting(() => Atomics.wait(slots, OUTSTANDING, size));
  }
}

function outstanding() {
  return Atomics.load(slots, OUTSTANDING);
}

/** @param {() => void} wait */
function waiting(wait) {
  Atomics.store(slots, WAITING, 1);
  wait();
  Atomics.store(slots, WAITING, 0);
}

async function createCluster() {
  mkdirSync(clusterFolder, { recursive: true });
  const { module } = await bootServer(
    packageFolder,
    clusterFolder,
    "template1",
    new Interrupts(slots),
  );
  module._pgl_shutdown();
  post({ kind: "stopped" });
}

async function serve() {
  const interrupts = new Interrupts(slots);
  const server = await bootServer(packageFolder, clusterFolder, "postgres", interrupts);
  const thread = new EngineThread(server, interrupts);
  prepareDatabase((bytes) => thread.runAlone(bytes));
  thread.serve();
}

await (creating ? createCluster() : serve());
