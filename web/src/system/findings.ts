import type { Schema } from "../api/client.ts";
import type { FindingTexts } from "./findingMessages.ts";

export type Finding = Schema<"Finding">;

export interface Description {
  /** What is the case. */
  problem: string;
  remedy: string;
  /** For a shell, or for psql. */
  command?: string;
}

/** As numbers, moments and parts of the page are written for the reader. */
export interface Writer {
  number: (value: number) => string;
  dateTime: (moment: Date) => string;
  utcDate: (moment: Date) => string;
  part: (name: string) => string;
}

const DAY = 86_400_000;
const AUDITED_DAYS = 15;

/** The values of a finding, written. */
class Values {
  constructor(
    private readonly values: Finding["values"],
    readonly write: Writer,
  ) {}

  has(name: string): boolean {
    return name in this.values;
  }

  word(name: string): string {
    return String(this.values[name] ?? "–");
  }

  count(name: string): string {
    return this.write.number(Number(this.values[name] ?? 0));
  }

  date(name: string): Date {
    return new Date(this.word(name));
  }

  moment(name: string): string {
    return this.write.dateTime(this.date(name));
  }

  get job(): string {
    return `${this.word("jobId")} (${this.word("target")})`;
  }

  get runJob(): string {
    return `CALL run_job(${this.word("jobId")});`;
  }
}

type Describe = (values: Values, text: FindingTexts) => Description;

const DESCRIPTIONS: Record<Finding["code"], Describe> = {
  schema_behind: (values, text) => ({
    problem: text.schemaBehind(values.word("revision"), values.word("expectedRevision")),
    remedy: text.schemaBehindRemedy,
    command: "sensorflow migrate",
  }),
  worker_absent: (values, text) => ({
    problem: [
      values.has("seenAt") ? text.lastSeen(values.moment("seenAt")) : text.neverSeen,
      ...(values.count("imports") === "0" ? [] : [text.importsWait(values.count("imports"))]),
    ].join(" "),
    remedy: text.workerAbsentRemedy,
    command: "sensorflow worker",
  }),
  rollup_behind: (values, text) => ({
    problem: text.rollupBehind(values.word("rollup")),
    remedy: text.rollupBehindRemedy,
    ...(values.has("jobId") ? { command: values.runJob } : {}),
  }),
  partial_hours_behind: (values, text) => ({
    problem: text.partialHoursBehind(values.moment("since"), values.count("readings")),
    remedy: text.partialHoursBehindRemedy,
    command: "SELECT pid, xact_start, query FROM pg_stat_activity ORDER BY xact_start;",
  }),
  ranges_stale: (values, text) => ({
    problem: text.rangesStale(values.count("ranges"), values.moment("since")),
    remedy: text.rangesStaleRemedy,
    command: "sensorflow doctor database",
  }),
  imports_waiting: (values, text) => ({
    problem: text.importsWaiting(values.count("imports"), values.moment("since")),
    remedy: text.importsWaitingRemedy,
    command: "sensorflow worker",
  }),
  policy_failed: (values, text) => ({
    problem: values.has("error")
      ? text.policyFailedWith(values.job, values.count("failuresInARow"), values.word("error"))
      : text.policyFailed(values.job, values.count("failuresInARow")),
    remedy: text.policyFailedRemedy,
    command: values.runJob,
  }),
  policy_not_run: (values, text) => ({
    problem: text.policyNotRun(values.job, values.moment("nextRunAt")),
    remedy: text.policyNotRunRemedy,
    command: "SELECT _timescaledb_functions.start_background_workers();",
  }),
  policy_off: (values, text) => ({
    problem: text.policyOff(values.job),
    remedy: text.policyOffRemedy,
    command: `SELECT alter_job(${values.word("jobId")}, scheduled => true);`,
  }),
  audit_found_wrong_buckets: (values, text) => ({
    problem: text.foundWrong(values.write.utcDate(values.date("day")), values.moment("at")),
    remedy: text.foundWrongRemedy,
    command: auditAround(values.date("day")),
  }),
  audit_overdue: (values, text) => ({
    problem: text.auditOverdue(values.moment("at")),
    remedy: text.auditOverdueRemedy,
  }),
  connections_nearly_used_up: (values, text) => ({
    problem: text.sessionsUsed(values.count("sessions"), values.count("maxSessions")),
    remedy: text.sessionsUsedRemedy,
  }),
  imports_failed: (values, text) => ({
    problem: text.importsFailed(values.count("imports")),
    remedy: text.importsFailedRemedy,
  }),
  part_unreadable: (values, text) => ({
    problem: text.partUnreadable(values.write.part(values.word("part"))),
    remedy: text.partUnreadableRemedy,
    command: "sensorflow migrate",
  }),
};

/** What a finding says, in the reader's words. */
export function describe(finding: Finding, text: FindingTexts, write: Writer): Description {
  return DESCRIPTIONS[finding.code](new Values(finding.values, write), text);
}

function auditAround(day: Date): string {
  const date = (days: number) => new Date(day.getTime() + days * DAY).toISOString().slice(0, 10);
  return `sensorflow audit --from ${date(-AUDITED_DAYS)} --to ${date(AUDITED_DAYS)}`;
}
