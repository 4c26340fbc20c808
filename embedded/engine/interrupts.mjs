/**
 * Query cancellation and statement_timeout. This build was compiled without CHECK_FOR_INTERRUPTS,
 * so the calls that it makes into JavaScript anyway (reading pages, writing pages, reading the
 * clock) do the check: they set the server's own flags and call its ProcessInterrupts.
 */
import { CANCEL_REQUESTED, STATEMENT_TIMEOUT_MS, TIMED_OUT } from "./worker-channel.mjs";

const HOOKED_IMPORTS = ["fd_pread", "fd_pwrite", "clock_time_get"];
const CALLS_BETWEEN_TIMEOUT_CHECKS = 64;

export class Interrupts {
  /** @type {Int32Array} */ #slots;
  /** @type {() => number} */ #timeoutMs = () => 0;
  /** @type {() => void} */ #processInterrupts = () => {};
  /** @type {() => Int32Array} */ #memory = () => new Int32Array(0);
  #interruptPendingIndex = 0;
  #queryCancelPendingIndex = 0;
  /** Whether the server can handle an interrupt now. */ #enabled = false;
  /** Whether the batch has ended or been interrupted. */ #batchDone = true;
  #startedAt = 0;
  #calls = 0;

  /** @param {Int32Array} slots */
  constructor(slots) {
    this.#slots = slots;
  }

  /**
   * Puts the check into the imports of the module that is about to be instantiated.
   * @param {any} imports
   */
  hookImports(imports) {
    const functions = imports.wasi_snapshot_preview1;
    for (const name of HOOKED_IMPORTS) {
      const original = functions[name];
      functions[name] = (/** @type {unknown[]} */ ...parameters) => {
        if (this.#enabled) this.#check();
        return original(...parameters);
      };
    }
  }

  /**
   * @param {any} exports of the instance
   * @param {number} base address that the exported addresses are relative to
   * @param {() => Int32Array} memory
   * @param {() => number} timeoutMs reads statement_timeout
   */
  attach(exports, base, memory, timeoutMs) {
    this.#interruptPendingIndex = (exports.InterruptPending.value + base) >> 2;
    // QueryCancelPending is not exported; it lies between two flags that are.
    this.#queryCancelPendingIndex = this.#interruptPendingIndex + 1;
    if (exports.ProcDiePending.value - exports.InterruptPending.value !== 8) {
      throw new Error("the interrupt flags of this build are not where they are expected");
    }
    this.#processInterrupts = exports.ProcessInterrupts;
    this.#memory = memory;
    this.#timeoutMs = timeoutMs;
  }

  beginBatch() {
    Atomics.store(this.#slots, STATEMENT_TIMEOUT_MS, this.#timeoutMs());
    this.#startedAt = performance.now();
    this.#batchDone = false;
  }

  /** Before the server is called: it cannot handle an error until it reads its input. */
  disable() {
    this.#enabled = false;
  }

  /** When the server reads its input. */
  enable() {
    this.#enabled = !this.#batchDone;
  }

  endBatch() {
    this.#enabled = false;
    this.#batchDone = true;
    this.#setFlags(0);
  }

  #check() {
    this.#calls += 1;
    if (Atomics.load(this.#slots, CANCEL_REQUESTED) === 1) this.#interrupt();
    else if (this.#calls % CALLS_BETWEEN_TIMEOUT_CHECKS === 0) this.#checkTimeout();
  }

  #checkTimeout() {
    const elapsedMs = performance.now() - this.#startedAt;
    if (elapsedMs < 1) return;
    const timeoutMs = this.#timeoutMs();
    Atomics.store(this.#slots, STATEMENT_TIMEOUT_MS, timeoutMs);
    if (timeoutMs === 0 || elapsedMs < timeoutMs) return;
    Atomics.store(this.#slots, TIMED_OUT, 1);
    this.#interrupt();
  }

  /** Throws through the server's own error handling, or returns where it may not be interrupted. */
  #interrupt() {
    this.#enabled = false;
    this.#batchDone = true;
    this.#setFlags(1);
    this.#processInterrupts();
    this.#batchDone = false;
    this.#enabled = true;
  }

  /** @param {0 | 1} value */
  #setFlags(value) {
    const memory = this.#memory();
    memory[this.#interruptPendingIndex] = value;
    memory[this.#queryCancelPendingIndex] = value;
  }
}
