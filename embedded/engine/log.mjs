/** The log, one line of JSON each on stderr, and the errors that end a start. */

/** A reason not to start, with a stable code and a sentence that says what to do. */
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
 * Something failed that nobody waits for.
 * @param {string} what
 * @param {unknown} error
 */
export function warn(what, error) {
  log("warning", what, { reason: String(error) });
}
