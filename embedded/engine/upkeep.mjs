/** CHECKPOINT, ANALYZE and VACUUM: nobody else does them in this build. */
import { log } from "./log.mjs";

const CHECKPOINT_WAL_BYTES = 256 * 1024 * 1024;
const CHECKPOINT_SECONDS = 300;
const ANALYZE_ROWS = 10_000;
const VACUUM_ROWS = 20_000;

// The statistics counters stay 0 here, but a table's size against its recorded size tells as well.
const GROWN_TABLES = `SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm') AND c.relpersistence = 'p' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND pg_relation_size(c.oid) > current_setting('block_size')::bigint * (4 + c.relpages * 1.2)`;
const FILLED_TABLES = `SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm') AND c.relpersistence = 'p' AND n.nspname <> 'information_schema'
  AND pg_relation_size(c.oid) > 100 * current_setting('block_size')::bigint`;
const WAL_POSITION = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')";

/** @typedef {import('./backend.mjs').Backend} Backend */

/** Writes everything to the data files, in somebody's turn. @param {Backend} backend */
export async function checkpoint(backend) {
  await backend.query("CHECKPOINT");
}

/** @param {Backend} backend @param {number} intervalSeconds */
export function startUpkeep(backend, intervalSeconds) {
  const upkeep = new Upkeep(backend);
  const look = async () => {
    await upkeep.run().catch((error) => log("warning", "upkeep failed", { reason: String(error) }));
    setTimeout(look, intervalSeconds * 1000).unref();
  };
  setTimeout(look, intervalSeconds * 1000).unref();
}

class Upkeep {
  #backend;
  #checkpointAt = performance.now();
  /** @type {number | undefined} */ #checkpointWal;

  /** @param {Backend} backend */
  constructor(backend) {
    this.#backend = backend;
  }

  /** Does what is due, one statement a turn, so that clients wait for one of them at most. */
  async run() {
    if (this.#backend.idleMs === 0) return;
    await this.#analyze();
    await this.#vacuum();
    await this.#checkpoint();
  }

  async #analyze() {
    const { writes } = this.#backend;
    if (writes.added + writes.replaced < ANALYZE_ROWS) return;
    writes.added = 0;
    await this.#each(GROWN_TABLES, "ANALYZE");
  }

  async #vacuum() {
    const { writes } = this.#backend;
    if (writes.replaced < VACUUM_ROWS) return;
    writes.replaced = 0;
    await this.#each(FILLED_TABLES, "VACUUM (ANALYZE)");
  }

  /** @param {string} tables @param {string} command */
  async #each(tables, command) {
    for (const [table] of await this.#backend.queryAlone(tables)) {
      await this.#backend
        .queryAlone(`${command} ${table}`)
        .catch((error) => log("info", "upkeep skipped a table", { table, reason: String(error) }));
    }
  }

  async #checkpoint() {
    const wal = await this.#walPosition();
    this.#checkpointWal ??= wal;
    const written = wal - this.#checkpointWal;
    const late = performance.now() - this.#checkpointAt > CHECKPOINT_SECONDS * 1000;
    if (written === 0 || (written < CHECKPOINT_WAL_BYTES && !late)) return;
    await this.#backend.queryAlone("CHECKPOINT");
    this.#checkpointAt = performance.now();
    // The checkpoint writes WAL itself, which is no reason for another one.
    this.#checkpointWal = await this.#walPosition();
  }

  async #walPosition() {
    return Number((await this.#backend.queryAlone(WAL_POSITION))[0]?.[0]);
  }
}
