/** CHECKPOINT, ANALYZE and VACUUM: this build has no checkpointer and no autovacuum. */
import { log, warn } from "./log.mjs";

const CHECKPOINT_WAL_BYTES = 256 * 1024 * 1024;
const CHECKPOINT_SECONDS = 300;
const ANALYZE_ROWS = 10_000;
const VACUUM_ROWS = 20_000;

// The statistics counters stay 0 here; a table's size against its recorded size shows growth too.
const TABLES_TO_ANALYZE = `SELECT c.oid::regclass
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm') AND c.relpersistence = 'p'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND pg_relation_size(c.oid) > current_setting('block_size')::bigint * (4 + c.relpages * 1.2)`;
const TABLES_TO_VACUUM = `SELECT c.oid::regclass
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm') AND c.relpersistence = 'p' AND n.nspname <> 'information_schema'
  AND pg_relation_size(c.oid) > 100 * current_setting('block_size')::bigint`;
const WAL_POSITION = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')";

/** @typedef {import('./backend.mjs').Backend} Backend */

/** Writes everything to the data files; the caller holds the mutex. @param {Backend} backend */
export async function checkpoint(backend) {
  await backend.query("CHECKPOINT");
}

/** @param {Backend} backend @param {number} intervalSeconds */
export function startMaintenance(backend, intervalSeconds) {
  const maintenance = new Maintenance(backend);
  const runAndReschedule = async () => {
    await maintenance.run().catch((error) => warn("maintenance failed", error));
    setTimeout(runAndReschedule, intervalSeconds * 1000).unref();
  };
  setTimeout(runAndReschedule, intervalSeconds * 1000).unref();
}

class Maintenance {
  #backend;
  #checkpointedAt = performance.now();
  /** @type {number | undefined} */ #checkpointWal;

  /** @param {Backend} backend */
  constructor(backend) {
    this.#backend = backend;
  }

  /** Runs what is due; clients wait for one of its statements at most, as each takes the mutex. */
  async run() {
    if (this.#backend.idleMs === 0) return;
    await this.#analyze();
    await this.#vacuum();
    await this.#checkpoint();
  }

  async #analyze() {
    const { writtenRows } = this.#backend;
    if (writtenRows.inserted + writtenRows.modified < ANALYZE_ROWS) return;
    writtenRows.inserted = 0;
    await this.#runOnTables(TABLES_TO_ANALYZE, "ANALYZE");
  }

  async #vacuum() {
    const { writtenRows } = this.#backend;
    if (writtenRows.modified < VACUUM_ROWS) return;
    writtenRows.modified = 0;
    await this.#runOnTables(TABLES_TO_VACUUM, "VACUUM (ANALYZE)");
  }

  /** @param {string} tables @param {string} command */
  async #runOnTables(tables, command) {
    for (const [table] of await this.#backend.queryExclusive(tables)) {
      const logSkipped = (/** @type {unknown} */ error) =>
        log("info", "maintenance skipped a table", { table, reason: String(error) });
      await this.#backend.queryExclusive(`${command} ${table}`).catch(logSkipped);
    }
  }

  async #checkpoint() {
    const wal = await this.#walPosition();
    this.#checkpointWal ??= wal;
    const writtenBytes = wal - this.#checkpointWal;
    const isOverdue = performance.now() - this.#checkpointedAt > CHECKPOINT_SECONDS * 1000;
    if (writtenBytes === 0 || (writtenBytes < CHECKPOINT_WAL_BYTES && !isOverdue)) return;
    await this.#backend.queryExclusive("CHECKPOINT");
    this.#checkpointedAt = performance.now();
    // The checkpoint writes WAL itself, which is no reason for another one.
    this.#checkpointWal = await this.#walPosition();
  }

  async #walPosition() {
    return Number((await this.#backend.queryExclusive(WAL_POSITION))[0]?.[0]);
  }
}
