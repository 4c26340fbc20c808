import { describe, expect, it } from "vitest";
import { duration } from "../i18n/duration.ts";
import { bytesPerSecond, fileSize } from "../i18n/fileSize.ts";
import {
  FATES,
  type Import,
  loadedPart,
  mayBeRetried,
  secondsLeft,
  takesRejectsBack,
} from "./imports.ts";
import { optionsInForce } from "./one/options.ts";
import {
  countByCode,
  keyOf,
  parseRejects,
  type Reject,
  stillRejected,
  writeRejects,
} from "./rejects/rejects.ts";
import { rateOf, type Sample, withSample } from "./upload/rate.ts";
import { type Received, sortOut } from "./upload/received.ts";

const NOW = Date.parse("2026-11-28T12:00:00Z");
const OPTIONS = { idTemplate: "{column}", timeZone: "UTC", timeFormat: "iso8601" };

function imported(changes: Partial<Import>): Import {
  return {
    importId: "1",
    fileName: "a.csv",
    state: "loading",
    counts: { read: 0, inserted: 0, replaced: 0, unchanged: 0, skipped: 0, rejected: 0 },
    progress: {
      linesDone: 0,
      bytesDone: 0,
      bytesTotal: null,
      rowsPerSecond: null,
      estimatedLoadedAt: null,
    },
    range: null,
    error: null,
    warnings: [],
    sizeBytes: 1,
    duplicateOf: null,
    options: { ...OPTIONS, skipLines: 0, skipLinesAfterHeader: 0 },
    attempts: 1,
    createdBy: "tester",
    createdByName: null,
    createdAt: "2026-11-28T11:00:00Z",
    uploadedAt: "2026-11-28T11:00:00Z",
    startedAt: null,
    finishedAt: null,
    ...changes,
  };
}

function received(name: string, size = 1, isFolder = false): Received {
  return { file: new File(["x".repeat(size)], name, { lastModified: 7 }), isFolder };
}

describe("lengths of time", () => {
  it.each([
    [0, "0 secs"],
    [59.4, "59 secs"],
    [61, "1 min 1 sec"],
    [3_900, "1 hr 5 mins"],
    [45 * 60 + 8, "45 mins"],
    [26 * 3600, "1 day 2 hrs"],
    [-5, "0 secs"],
  ])("%d seconds are %s", (seconds, written) => {
    expect(duration(seconds, "en-GB")).toBe(written);
  });

  it("are written as in the reader's country", () => {
    expect(duration(3_900, "pt-BR")).toBe("1 h 5 min");
  });
});

describe("sizes", () => {
  it.each([
    [0, "0 bytes"],
    [1, "1 byte"],
    [999, "999 bytes"],
    [1000, "1 kB"],
    [18_274_611, "18.3 MB"],
    [20 * 2 ** 30, "21.5 GB"],
  ])("of %d bytes are %s", (bytes, written) => {
    expect(fileSize(bytes, "en-GB")).toBe(written);
  });

  it("are sent at a rate", () => {
    expect(bytesPerSecond(2_340_000, "pt-BR")).toBe("2,34 MB/s");
  });
});

describe("the rate of an upload", () => {
  it("is that of the last five seconds", () => {
    let samples: readonly Sample[] = [];
    for (const [moment, bytes] of [
      [0, 0],
      [1_000, 9_000_000],
      [4_000, 9_300_000],
      [6_000, 9_500_000],
    ] as const) {
      samples = withSample(samples, { moment, bytes });
    }
    expect(rateOf(samples)).toBe(100_000);
  });

  it("is not known of one sample, nor where nothing is sent", () => {
    expect(rateOf([{ moment: 0, bytes: 5 }])).toBeNull();
    const still = [0, 1000].map((moment) => ({ moment, bytes: 5 }));
    expect(rateOf(still)).toBeNull();
  });
});

describe("what is dropped", () => {
  it.each([
    ["a.CSV", null],
    ["a.tsv.zst", null],
    ["a.txt.gz", null],
    ["a.xlsx", null],
    ["a.xlsx.gz", "ending"],
    ["a.gz", "ending"],
    ["csv", "ending"],
  ])("%s is sent or refused: %s", (name, obstacle) => {
    const { files, refusals } = sortOut([received(name)], []);
    expect(refusals).toEqual(obstacle === null ? [] : [{ name, obstacle }]);
    expect(files).toHaveLength(obstacle === null ? 1 : 0);
  });

  it("is sent once, unless it is a folder or empty", () => {
    const again = received("a.csv");
    const dropped = [again, received("a.csv"), received("b.csv", 0), received("c.csv", 1, true)];
    const { files, refusals } = sortOut(dropped, []);
    expect(files).toEqual([again.file]);
    expect(refusals.map(({ obstacle }) => obstacle)).toEqual(["repeated", "empty", "folder"]);
    expect(sortOut([received("a.csv", 2)], files).files).toHaveLength(1);
  });
});

describe("an import", () => {
  const progress = { linesDone: 6, bytesDone: 60, bytesTotal: 100, rowsPerSecond: 2 };

  it("says how far it is, as far as that is known", () => {
    const estimatedLoadedAt = "2026-11-28T12:00:20Z";
    const loading = imported({ progress: { ...progress, estimatedLoadedAt } });
    expect(loadedPart(loading)).toBe(0.6);
    expect(secondsLeft(loading, NOW)).toBe(20);
    expect(secondsLeft(loading, NOW + 30_000)).toBe(0);
    expect(loadedPart(imported({}))).toBeNull();
    expect(secondsLeft(imported({}), NOW)).toBeNull();
    expect(loadedPart(imported({ state: "aggregating" }))).toBe(1);
  });

  it("can be retried if its file has arrived", () => {
    expect(mayBeRetried(imported({ state: "failed" }))).toBe(true);
    expect(mayBeRetried(imported({ state: "cancelled", uploadedAt: null }))).toBe(false);
    expect(mayBeRetried(imported({ state: "done" }))).toBe(false);
  });

  it("takes its rejects back when it was read to its end", () => {
    const failed = (code: string) => imported({ state: "failed", error: { code, message: "" } });
    expect(takesRejectsBack(imported({ state: "done" }))).toBe(true);
    expect(takesRejectsBack(failed("no_valid_rows"))).toBe(true);
    expect(takesRejectsBack(failed("too_many_errors"))).toBe(false);
    expect(takesRejectsBack(imported({ state: "queued" }))).toBe(false);
  });

  it("accounts for every count but that of all rows", () => {
    expect(Object.keys(imported({}).counts).sort()).toEqual([...FATES, "read"].sort());
  });

  it("names the options that are not as usual", () => {
    const { options } = imported({});
    const columns = { equipmentId: "Pumpe", timestamp: ["Tag", "Zeit"] };
    const chosen = optionsInForce({ ...options, columns, nullValues: ["", "-9999"], decimal: "," });
    expect(chosen.filter(({ isUsual }) => !isUsual)).toEqual([
      { name: "decimal", value: ",", isUsual: false },
      { name: "columns", value: "equipmentId = Pumpe, timestamp = Tag + Zeit", isUsual: false },
      { name: "nullValues", value: '"", -9999', isUsual: false },
    ]);
    expect(optionsInForce(options).every(({ isUsual }) => isUsual)).toBe(true);
  });
});

describe("a list of rejects", () => {
  const REJECTS: readonly Reject[] = [
    { line: 3, code: "bad_number", column: "value", row: 'a;"b ""c""";x' },
    { line: 7, code: "bad_number", column: "hum", row: "=cmd, 'x'" },
    { line: 7, code: "wrong_columns", column: "", row: " \t" },
  ];

  it("is read as the server writes it, and written as it reads it", async () => {
    const served = 'line,code,column,row\n3,"bad_number","value","a;""b """"c"""""";x"\n';
    expect(await parseRejects(served, true)).toEqual(REJECTS.slice(0, 1));
    const written = await writeRejects(REJECTS);
    expect(written.split("\n")[0]).toBe("line,code,column,row");
    expect(await parseRejects(written, true)).toEqual(REJECTS);
  });

  it("that is cut off loses its last row", async () => {
    const written = await writeRejects(REJECTS);
    expect(await parseRejects(written.slice(0, -1), false)).toEqual(REJECTS.slice(0, 2));
    expect(await parseRejects('line,code,column,row\n3,"bad', false)).toEqual([]);
  });

  it("is counted by reason", () => {
    expect(countByCode(REJECTS)).toEqual([
      ["bad_number", 2],
      ["wrong_columns", 1],
    ]);
  });

  it("tells what is still rejected, by line and column, of a line that did not split by line", () => {
    const [first, cell, line] = REJECTS as [Reject, Reject, Reject];
    expect(stillRejected([first, cell], [cell])).toEqual([cell]);
    expect(stillRejected([line], [{ ...cell, column: "temp" }])).toEqual([line]);
    expect(stillRejected([cell], [{ ...cell, column: "temp" }])).toEqual([]);
    expect(new Set(REJECTS.map(keyOf)).size).toBe(3);
  });
});
