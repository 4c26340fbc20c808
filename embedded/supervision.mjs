/**
 * The protocol between a program of this folder and its parent process, embedded/process.py:
 *
 * - one line of JSON on stdout says how the start went: `{"event":"ready",...}` or
 *   `{"event":"error","code","message"}`, after which the program ends;
 * - the log goes to stderr;
 * - stdin carries nothing: its end means that the parent has exited, so the program stops as
 *   cleanly as it does on SIGTERM, or at once while it is still starting.
 */

const exitAtOnce = () => process.exit(1);

/** @param {Record<string, unknown>} event */
function announce(event) {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

/** From now until `stopWithParent` exit at the end of stdin: there is nothing yet to stop cleanly. */
export function exitWithParent() {
  process.stdin.once("close", exitAtOnce);
  process.stdin.resume();
}

/**
 * Report to the parent that the program serves now.
 * @param {Record<string, unknown>} details what the parent needs to use it, such as a port
 */
export function announceReady(details) {
  announce({ event: "ready", ...details });
}

/**
 * Report to the parent why the program cannot start, and exit with status 1 once that is written.
 * @param {string} code stable and machine-readable
 * @param {string} message one sentence for a person, remedy included
 */
export function announceError(code, message) {
  announce({ event: "error", code, message });
  process.exitCode = 1;
  process.stdin.off("close", exitAtOnce);
  process.stdin.destroy();
}

/**
 * Run `stop` once, at the first SIGTERM, SIGINT or end of stdin; then exit with status 0, or 1 if
 * it fails.
 * @param {() => unknown} stop may be asynchronous
 */
export function stopWithParent(stop) {
  let stopping = false;
  const stopOnce = async () => {
    if (stopping) return;
    stopping = true;
    try {
      await stop();
      process.exit(0);
    } catch (error) {
      console.error("stopping failed:", error);
      process.exit(1);
    }
  };
  process.once("SIGTERM", stopOnce);
  process.once("SIGINT", stopOnce);
  process.stdin.off("close", exitAtOnce);
  process.stdin.once("close", stopOnce);
  process.stdin.resume();
}
