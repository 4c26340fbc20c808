/**
 * Cancel and statement_timeout. This build was compiled without CHECK_FOR_INTERRUPTS, so the calls
 * that it makes into JavaScript anyway (reading pages, writing pages, asking the time) do the
 * checking: they raise the server's own flags and call its ProcessInterrupts.
 */
import { CANCEL, TIMED_OUT, TIMEOUT_MS } from "./channel.mjs";

const HOOKED = ["fd_pread", "fd_pwrite", "clock_time_get"];
const CALLS_BETWEEN_CLOCK_READS = 64;

export class Interrupts {
  /** @type {Int32Array} */ #slots;
  /** @type {() => number} */ #timeoutMs = () => 0;
  /** @type {() => void} */ #process = () => {};
  /** @type {() => Int32Array} */ #memory = () => new Int32Array(0);
  #pendingIndex = 0;
  #cancelIndex = 0;
  /** Whether the server can be interrupted now. */ #running = false;
  /** Whether the unit has ended or been interrupted. */ #isOver = true;
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
  hook(imports) {
    const functions = imports.wasi_snapshot_preview1;
    for (const name of HOOKED) {
      const original = functions[name];
      functions[name] = (/** @type {unknown[]} */ ...parameters) => {
        if (this.#running) this.#check();
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
    this.#pendingIndex = (exports.InterruptPending.value + base) >> 2;
    // QueryCancelPending is not exported; it lies between two flags that are.
    this.#cancelIndex = this.#pendingIndex + 1;
    if (exports.ProcDiePending.value - exports.InterruptPending.value !== 8) {
      throw new Error("the interrupt flags of this build are not where they are expected");
    }
    this.#process = exports.ProcessInterrupts;
    this.#memory = memory;
    this.#timeoutMs = timeoutMs;
  }

  /** A unit begins. */
  started() {
    Atomics.store(this.#slots, TIMEOUT_MS, this.#timeoutMs());
    this.#startedAt = performance.now();
    this.#isOver = false;
  }

  /** The server is about to be called, and cannot handle an error before it reads its input. */
  entering() {
    this.#running = false;
  }

  /** The server reads its input. */
  reading() {
    this.#running = !this.#isOver;
  }

  /** The unit has ended. */
  ended() {
    this.#running = false;
    this.#isOver = true;
    this.#setFlags(0);
  }

  #check() {
    this.#calls += 1;
    if (Atomics.load(this.#slots, CANCEL) === 1) this.#interrupt();
    else if (this.#calls % CALLS_BETWEEN_CLOCK_READS === 0) this.#checkTimeout();
  }

  #checkTimeout() {
    const elapsed = performance.now() - this.#startedAt;
    if (elapsed < 1) return;
    const timeout = this.#timeoutMs();
    Atomics.store(this.#slots, TIMEOUT_MS, timeout);
    if (timeout === 0 || elapsed < timeout) return;
    Atomics.store(this.#slots, TIMED_OUT, 1);
    this.#interrupt();
  }

  /** Throws through the server's own error handling, or returns where it may not be interrupted. */
  #interrupt() {
    this.#running = false;
    this.#isOver = true;
    this.#setFlags(1);
    this.#process();
    this.#isOver = false;
    this.#running = true;
  }

  /** @param {0 | 1} value */
  #setFlags(value) {
    const memory = this.#memory();
    memory[this.#pendingIndex] = value;
    memory[this.#cancelIndex] = value;
  }
}
