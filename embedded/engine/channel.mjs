/**
 * What the main thread and the engine's thread share: one Int32Array of slots, and the messages
 * that they post to each other.
 *
 * @typedef {{kind: 'unit' | 'data', bytes: Uint8Array<ArrayBuffer>} | {kind: 'stop'}} ToEngine
 * @typedef {{kind: 'ready', parameters: [string, string][]}
 *   | {kind: 'output', bytes: Uint8Array<ArrayBuffer>}
 *   | {kind: 'idle', bytes: Uint8Array<ArrayBuffer>, parameters: [string, string][]}
 *   | {kind: 'consumed', size: number}
 *   | {kind: 'stopped'}} FromEngine
 */

/** Counts posted messages; the engine's thread sleeps on it. */
export const WAKE = 0;
/** Bytes of output that no client has taken yet; the engine's thread stops above the limit. */
export const OUTSTANDING = 1;
/** Set to 1 to interrupt the running unit. */
export const CANCEL = 2;
/** statement_timeout of the running unit in milliseconds, 0 for none. */
export const TIMEOUT_MS = 3;
/** Set to 1 by the engine's thread when it was a timeout that interrupted the unit. */
export const TIMED_OUT = 4;
/** Set to 1 while the engine's thread waits for input or for room in the output. */
export const WAITING = 5;

/** Bytes that may be under way in either direction before the faster side waits. */
export const WINDOW_BYTES = 8 * 1024 * 1024;

/** @returns {Int32Array<SharedArrayBuffer>} fresh slots, all zero */
export function createSlots() {
  return new Int32Array(new SharedArrayBuffer(6 * Int32Array.BYTES_PER_ELEMENT));
}
