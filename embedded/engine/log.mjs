/** Logs to stderr, one JSON object per line; and the error that ends a start. */

/** The program cannot start; a stable code, and a sentence with the remedy. */
export class StartError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/**
 * @param {'info' | 'warning' | 'error'} level
 * @param {string} message
 * @param {Record<string, unknown>} [fields]
 */
export function log(level, message, fields = {}) {
  const line = { time: new Date().toISOString(), level, message, ...fields };
  process.stderr.write(`${JSON.stringify(line)}\n`);
}

/**
 * Logs the failure of a background task.
 * @param {string} what
 * @param {unknown} error
 */
export function warn(what, error) {
  log("warning", what, { reason: String(error) });
}
