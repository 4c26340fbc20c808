import assert from "node:assert/strict";
import { test } from "node:test";
import { JobSchedule } from "./background-jobs.mjs";

test("a job without a start runs at once and then once an interval", () => {
  const schedule = new JobSchedule();
  const jobs = [["1", "60", "0"]];
  assert.deepEqual(schedule.takeDueJobs(jobs, 1000), ["1"]);
  assert.deepEqual(schedule.takeDueJobs(jobs, 1059), []);
  assert.deepEqual(schedule.takeDueJobs(jobs, 1060), ["1"]);
});

test("a job with a start waits for it", () => {
  const schedule = new JobSchedule();
  const jobs = [["1", "60", "2000"]];
  assert.deepEqual(schedule.takeDueJobs(jobs, 1999), []);
  assert.deepEqual(schedule.takeDueJobs(jobs, 2000), ["1"]);
});
