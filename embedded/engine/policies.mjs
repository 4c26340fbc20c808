/** Runs TimescaleDB's policies, since there are no background workers to do it. */
import { log, warn } from "./log.mjs";

const JOBS = `SELECT job_id, extract(epoch FROM schedule_interval),
    extract(epoch FROM coalesce(initial_start, 'epoch'))
  FROM timescaledb_information.jobs WHERE scheduled AND proc_name NOT LIKE '%telemetry%' ORDER BY job_id`;

/** Decides which jobs are due; job statistics stay empty in this build, so it remembers the runs. */
export class Schedule {
  /** @type {Map<string, number>} */ #lastRun = new Map();

  /**
   * @param {(string | null)[][]} jobs id, interval in seconds, first start as a Unix time
   * @param {number} now Unix time in seconds
   * @returns {string[]} ids of the jobs to run now
   */
  takeDue(jobs, now) {
    const due = jobs.filter((job) => now >= this.#dueAt(job));
    const ids = due.map(([id]) => `${id}`);
    ids.forEach((id) => this.#lastRun.set(id, now));
    return ids;
  }

  /** @param {(string | null)[]} job */
  #dueAt([id, interval, start]) {
    const last = this.#lastRun.get(`${id}`);
    return last === undefined ? Number(start) : last + Number(interval);
  }
}

/** @param {import('./backend.mjs').Backend} backend @param {number} intervalSeconds */
export function startPolicies(backend, intervalSeconds) {
  const schedule = new Schedule();
  const look = async () => {
    await runDue(backend, schedule).catch((error) =>
      warn("looking for due policies failed", error),
    );
    setTimeout(look, intervalSeconds * 1000).unref();
  };
  setTimeout(look, intervalSeconds * 1000).unref();
}

/** @param {import('./backend.mjs').Backend} backend @param {Schedule} schedule */
async function runDue(backend, schedule) {
  if (backend.idleMs === 0) return;
  const jobs = await backend.queryAlone(JOBS);
  for (const id of schedule.takeDue(jobs, Date.now() / 1000)) await runJob(backend, id);
}

/** @param {import('./backend.mjs').Backend} backend @param {string} id */
async function runJob(backend, id) {
  try {
    await backend.queryAlone(`CALL run_job(${id})`);
    log("info", "ran a policy", { job: Number(id) });
  } catch (error) {
    log("warning", "a policy failed", { job: Number(id), reason: String(error) });
  }
}
