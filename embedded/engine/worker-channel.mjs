/**
 * What the main thread and the engine's worker thread share: the messages that they post to each
 * other, and one Int32Array of slots in shared memory.
 *
 * @typedef {{kind: 'batch' | 'copyData', bytes: Uint8Array<ArrayBuffer>} | {kind: 'stop'}} ToWorker
 * @typedef {{kind: 'ready', parameters: [string, string][]}
 *   | {kind: 'output', bytes: Uint8Array<ArrayBuffer>}
 *   | {kind: 'done', bytes: Uint8Array<ArrayBuffer>, parameters: [string, string][]}
 *   | {kind: 'consumed', sizeBytes: number}
 *   | {kind: 'stopped'}} FromWorker
 */

/** Counts the messages posted to the worker, which sleeps on it. */
export const MESSAGE_COUNT = 0;
/** Bytes of output that no client has received yet; the worker blocks above the window. */
export const PENDING_OUTPUT_BYTES = 1;
/** Set to 1 to cancel the running batch. */
export const CANCEL_REQUESTED = 2;
/** statement_timeout of the running batch in milliseconds, 0 for none. */
export const STATEMENT_TIMEOUT_MS = 3;
/** Set to 1 by the worker when statement_timeout was the reason of the cancellation. */
export const TIMED_OUT = 4;
/** Set to 1 while the worker waits for input or for room in the output window. */
export const BLOCKED = 5;

/** Flow control window: bytes in flight in either direction before the faster side waits. */
export const WINDOW_BYTES = 8 * 1024 * 1024;

/** @returns {Int32Array<SharedArrayBuffer>} new slots, all zero */
export function createSlots() {
  return new Int32Array(new SharedArrayBuffer(6 * Int32Array.BYTES_PER_ELEMENT));
}
