/** Runs TimescaleDB's background jobs (policies and user-defined), since it has no workers here. */
import { log, warn } from "./log.mjs";

const JOBS = `SELECT job_id, extract(epoch FROM schedule_interval),
    extract(epoch FROM coalesce(initial_start, 'epoch'))
  FROM timescaledb_information.jobs WHERE scheduled AND proc_name NOT LIKE '%telemetry%'
  ORDER BY job_id`;

/** Decides which jobs are due; it stores their runs, as job statistics stay empty in this build. */
export class JobSchedule {
  /** Unix times in seconds, by job id. @type {Map<string, number>} */ #lastRun = new Map();

  /**
   * @param {(string | null)[][]} jobs id, interval in seconds, first start as a Unix time
   * @param {number} now Unix time in seconds
   * @returns {string[]} ids of the jobs to run now
   */
  takeDueJobs(jobs, now) {
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
export function startBackgroundJobs(backend, intervalSeconds) {
  const schedule = new JobSchedule();
  const runAndReschedule = async () => {
    await runDueJobs(backend, schedule).catch((error) =>
      warn("looking for due policies failed", error),
    );
    setTimeout(runAndReschedule, intervalSeconds * 1000).unref();
  };
  setTimeout(runAndReschedule, intervalSeconds * 1000).unref();
}

/** @param {import('./backend.mjs').Backend} backend @param {JobSchedule} schedule */
async function runDueJobs(backend, schedule) {
  if (backend.idleMs === 0) return;
  const jobs = await backend.queryExclusive(JOBS);
  for (const id of schedule.takeDueJobs(jobs, Date.now() / 1000)) await runJob(backend, id);
}

/** @param {import('./backend.mjs').Backend} backend @param {string} id */
async function runJob(backend, id) {
  try {
    await backend.queryExclusive(`CALL run_job(${id})`);
    log("info", "ran a policy", { job: Number(id) });
  } catch (error) {
    log("warning", "a policy failed", { job: Number(id), reason: String(error) });
  }
}
