import { describe, expect, it } from "vitest";
import { FINDINGS } from "./findingMessages.ts";
import { describe as described, type Finding } from "./findings.ts";
import { SYSTEM } from "./messages.ts";
import { heights, minutesBefore } from "./minutes.ts";
import { partTitle } from "./parts.ts";

const AT = "2026-03-01T12:00:00Z";
const write = {
  number: String,
  dateTime: (moment: Date) => moment.toISOString(),
  utcDate: (moment: Date) => moment.toISOString().slice(0, 10),
  part: (name: string) => partTitle(name, SYSTEM.en),
};

function say(code: Finding["code"], values: Finding["values"], language: "en" | "pt-BR" = "en") {
  return described({ code, severity: "warning", values }, FINDINGS[language], write);
}

describe("findings", () => {
  it("of an absent worker say since when and what waits, as far as that is known", () => {
    expect(say("worker_absent", {}).problem).toBe("No worker has been seen.");
    expect(say("worker_absent", { seenAt: AT, imports: 0 }).problem).toBe(
      "No worker has been seen since 2026-03-01T12:00:00.000Z.",
    );
    expect(say("worker_absent", { imports: 3 }).problem).toBe(
      "No worker has been seen. Imports that wait for one: 3.",
    );
  });

  it("name the statement that helps", () => {
    const job = { jobId: 1001, target: "readings_1h" };
    expect(say("policy_failed", { ...job, error: "no memory", failuresInARow: 3 })).toMatchObject({
      problem: "The job 1001 (readings_1h) failed: no memory (failures in a row: 3)",
      command: "CALL run_job(1001);",
    });
    expect(say("policy_off", job).command).toBe("SELECT alter_job(1001, scheduled => true);");
    expect(say("rollup_behind", { rollup: "readings_1h" })).not.toHaveProperty("command");
    expect(say("audit_found_wrong_buckets", { at: AT, day: AT }).command).toBe(
      "sensorflow audit --from 2026-02-14 --to 2026-03-16",
    );
  });

  it("of partial hours say how far they are and what waits", () => {
    const said = say("partial_hours_behind", { since: AT, readings: 7 });
    expect(said.problem).toContain("until 2026-03-01T12:00:00.000Z");
    expect(said.problem).toContain("7.");
    expect(said.command).toContain("pg_stat_activity");
  });

  it("name a part as the page does, and one that it does not know as the API", () => {
    const problem = (part: string) => say("part_unreadable", { part }).problem;
    expect(problem("failedImports")).toContain("Failed imports of the last 7 days");
    expect(problem("later")).toContain("later");
  });
});

describe("minutes", () => {
  it("are sixty, the current one last, with nothing where there is nothing", () => {
    const minutes = minutesBefore("2026-03-01T12:00:30Z", [
      { start: "2026-03-01T11:01:00Z", readings: 1 },
      { start: "2026-03-01T12:00:00Z", readings: 400 },
      { start: "2026-03-01T11:00:00Z", readings: 7 },
    ]);
    expect(minutes).toHaveLength(60);
    expect(minutes[0]).toEqual({ start: new Date("2026-03-01T11:01:00Z"), readings: 1 });
    expect(minutes.at(-1)?.readings).toBe(400);
    expect(heights(minutes).filter((height) => height > 0)).toEqual([2, 100]);
  });

  it("without any reading have no height", () => {
    expect(Math.max(...heights(minutesBefore(AT, [])))).toBe(0);
  });
});
