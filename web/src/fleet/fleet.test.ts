import { describe, expect, it } from "vitest";
import { visibleRows } from "../tables/visibleRows.ts";
import { assess, compareAttention, type Equipment, needsAttention } from "./attention.ts";
import { change } from "./change.ts";
import { periodText } from "./period.ts";
import { rangeDigits } from "./rangeDigits.ts";
import { SAMPLE_SENSORS, sampleCsv } from "./sample.ts";
import {
  locations,
  nextOrder,
  type Selection,
  selected,
  selectionOf,
  selectionParameters,
} from "./selection.ts";
import { summaryQuery } from "./summary.ts";
import { inParts, trendOf, trendQuery, trendResolution } from "./trend.ts";

const asOf = "2026-01-01T01:00:00Z";
const collator = new Intl.Collator("en", { numeric: true });
const everything: Selection = { sought: "", shown: null, location: null, order: null };

function equipment(equipmentId: string, given: Partial<Equipment> & { minutesAgo?: number } = {}) {
  const { minutesAgo = 0, ...others } = given;
  return assess(
    {
      equipmentId,
      name: null,
      unit: null,
      location: `Hall ${equipmentId}`,
      zone: null,
      expectedPeriodSeconds: null,
      firstTimestamp: asOf,
      lastTimestamp: new Date(Date.parse(asOf) - minutesAgo * 60_000).toISOString(),
      lastValue: 1,
      sampleCount: 1,
      ...others,
    },
    Date.parse(asOf),
  );
}

function idsOf(all: readonly { equipment: Equipment }[]): string[] {
  return all.map((each) => each.equipment.equipmentId);
}

describe("equipment", () => {
  it.each([
    [2, 60, "fresh"],
    [2.1, 60, "late"],
    [10, 60, "late"],
    [10.1, 60, "silent"],
    [10.1, null, "unknown"],
  ] as const)(
    "last seen %s minutes ago, expected every %s s, is %s",
    (minutesAgo, period, state) => {
      const assessed = equipment("a", { minutesAgo, expectedPeriodSeconds: period });
      expect(assessed.freshness).toBe(state);
      expect(needsAttention(assessed)).toBe(state === "late" || state === "silent");
    },
  );

  it.each([
    [5, 10, 20, "below", 0.5],
    [10, 10, 20, null, 0],
    [20, 10, 20, null, 0],
    [40, 10, 20, "above", 2],
    [11, 10, 10, "above", Infinity],
    [40, null, null, null, 0],
    [40, undefined, undefined, null, 0],
  ] as const)("of %s, usually %s to %s, is %s, by %s", (lastValue, low, high, side, excess) => {
    const usual = low === undefined ? {} : { usualMinimum: low, usualMaximum: high };
    const assessed = equipment("a", { lastValue, ...usual });
    expect([assessed.unusual, assessed.excess]).toEqual([side, excess]);
    expect(needsAttention(assessed)).toBe(side !== null);
  });

  it("comes as it needs attention: silent, late, out of its usual range, the rest", () => {
    const usual = { usualMinimum: 0, usualMaximum: 2 };
    const unsorted = [
      equipment("b", { minutesAgo: 50 }),
      equipment("on time", { minutesAgo: 1, expectedPeriodSeconds: 60 }),
      equipment("far outside", { lastValue: 90, ...usual }),
      equipment("outside", { lastValue: -3, ...usual }),
      equipment("late", { minutesAgo: 5, expectedPeriodSeconds: 60, lastValue: 90, ...usual }),
      equipment("later", { minutesAgo: 9, expectedPeriodSeconds: 60 }),
      equipment("silent", { minutesAgo: 11, expectedPeriodSeconds: 60 }),
      equipment("d", { minutesAgo: 5 }),
    ];
    const expected = ["silent", "later", "late", "far outside", "outside", "on time", "b", "d"];
    expect(idsOf(selected(unsorted, everything, collator))).toEqual(expected);
    const endless = { usualMinimum: 1, usualMaximum: 1, lastValue: 2 };
    expect(compareAttention(equipment("x", endless), equipment("y", endless))).toBe(0);
  });
});

describe("a usual range", () => {
  it.each([
    [18.2, 24.9, 3],
    [1012.25, 1014.75, 5],
    [0, 10_000, 2],
    [-0.001, 0.001, 2],
    [1e9, 1e9 + 1, 6],
    [7, 7, 6],
  ])("of %s to %s is told by %s digits", (low, high, digits) => {
    expect(rangeDigits(low, high)).toBe(digits);
  });
});

describe("a period", () => {
  it.each([
    [60, "en", "1 min"],
    [5400, "pt-BR", "1,5 h"],
    [86_400, "en", "1 day"],
    [0.25, "en", "250 ms"],
  ])("of %s seconds is, in %s, %s", (seconds, language, text) => {
    expect(periodText(seconds, language)).toBe(text);
  });
});

describe("a selection", () => {
  const all = [
    equipment("pump-10", { name: "Feed pump", location: "Hall 4", lastValue: 3 }),
    equipment("Pump-9", { location: null, lastValue: 1, minutesAgo: 30 }),
    equipment("fan", { location: "Hall 4", lastValue: 2, expectedPeriodSeconds: 1, minutesAgo: 9 }),
  ];
  const found = (chosen: Partial<Selection>) =>
    idsOf(selected(all, { ...everything, ...chosen }, collator));

  it.each([
    ["hall FEED", ["pump-10"]],
    ["  ", ["fan", "pump-10", "Pump-9"]],
    ["pump nowhere", []],
  ])("finds by all words of %j", (sought, ids) => {
    expect(found({ sought })).toEqual(ids);
  });

  it("has one location, or what has none", () => {
    expect(found({ location: "Hall 4" })).toEqual(["fan", "pump-10"]);
    expect(found({ location: "" })).toEqual(["Pump-9"]);
    expect(locations(all, collator)).toEqual([
      ["", 1],
      ["Hall 4", 2],
    ]);
  });

  it("shows what is silent, late or out of range alone", () => {
    expect(found({ shown: "attention" })).toEqual(["fan"]);
    expect(found({ shown: "silent" })).toEqual(["fan"]);
    expect(found({ shown: "late" })).toEqual([]);
    expect(found({ shown: "unusual" })).toEqual([]);
  });

  it.each([
    ["name", ["fan", "pump-10", "Pump-9"]],
    ["value", ["Pump-9", "fan", "pump-10"]],
    ["seen", ["pump-10", "fan", "Pump-9"]],
    ["location", ["Pump-9", "pump-10", "fan"]],
  ] as const)("is sorted by %s, and turned round", (column, ids) => {
    expect(found({ order: { column, descending: false } })).toEqual(ids);
    const turned = found({ order: { column, descending: true } });
    expect(turned.toSorted()).toEqual(ids.toSorted());
    if (column !== "location") expect(turned).toEqual(ids.toReversed());
  });

  it("is sorted up, down and by attention again", () => {
    const up = nextOrder(null, "value");
    const down = nextOrder(up, "value");
    expect([up, down, nextOrder(down, "value")]).toEqual([
      { column: "value", descending: false },
      { column: "value", descending: true },
      null,
    ]);
    expect(nextOrder(down, "name")).toEqual({ column: "name", descending: false });
  });

  it.each<Selection>([
    everything,
    {
      sought: "a&b=ç",
      shown: "unusual",
      location: "",
      order: { column: "seen", descending: true },
    },
    { ...everything, location: "Hall 4, row 2" },
  ])("is named by a link", (selection) => {
    const link = new URLSearchParams(selectionParameters(selection)).toString();
    expect(selectionOf(new URLSearchParams(link))).toEqual(selection);
  });

  it("of a link that names nothing that can be is everything", () => {
    expect(selectionOf(new URLSearchParams("show=all&sort=-colour"))).toEqual(everything);
  });

  it.each([
    [10_000, 0, { first: 0, end: 20 }],
    [10_000, 44_000, { first: 990, end: 1020 }],
    [5, 44_000, { first: 5, end: 5 }],
    [0, 0, { first: 0, end: 0 }],
  ])("of %s rows at %s pixels draws those in sight", (count, scrollTop, rows) => {
    expect(visibleRows(count, 44, scrollTop, 440)).toEqual(rows);
  });
});

describe("the fleet", () => {
  it("is one line, gaps and all, beside the period before", () => {
    const sums = { groupBy: "all", compare: "previous", fill: "null", limit: 10_000 };
    const statistics = ["average", "minimum", "maximum", "count"];
    expect(summaryQuery({ window: "1m" })).toEqual({ interval: "1m", ...sums, statistics });
  });

  it.each([
    [110, 100, 0.1],
    [-5, -10, 0.5],
    [5, 0, null],
    [5, null, null],
    [null, 5, null],
  ])("that has %s after %s changed by %s", (now, before, part) => {
    expect(change(now, before)).toBe(part);
  });
});

describe("a trend", () => {
  const from = new Date("2026-01-01T00:00:00Z");
  const days = (number: number) => ({ from, to: new Date(from.getTime() + number * 86_400_000) });

  it.each([
    [{ window: "24h" } as const, "1h"],
    [{ window: "1w" } as const, "1h"],
    [{ window: "1m" } as const, "1d"],
    [days(1 / 24), "1m"],
    [days(0.5), "15m"],
    [days(8), "1h"],
    [days(400), "1d"],
    [days(401), null],
  ])("over %j has buckets of %s", (range, resolution) => {
    expect(trendResolution(range)).toBe(resolution);
  });

  it("goes from end to end, as high as the averages reach, and breaks where buckets are missing", () => {
    const bucket = (start: number, average: number) => ({ start, average, samples: 2 });
    const buckets = [bucket(0, 1), bucket(10, 3), bucket(20, 1), bucket(40, 2)];
    expect(trendOf(buckets, { from: 0, to: 50, step: 10 })).toEqual({
      path: "M3.0 29.0h0L31.5 3.0L60.0 29.0M117.0 16.0h0",
      samples: 8,
    });
    const rare = [bucket(0, 1), bucket(30, 3), bucket(60, 1), bucket(120, 2)];
    expect(trendOf(rare, { from: 0, to: 130, step: 10 }).path).toBe(
      "M3.0 29.0h0L31.5 3.0L60.0 29.0M117.0 16.0h0",
    );
    const flat = [bucket(0, 5), bucket(10, 5)];
    expect(trendOf(flat, { from: 0, to: 20, step: 10 }).path).toBe("M3.0 16.0h0L117.0 16.0");
    expect(trendOf([], { from: 0, to: 20, step: 10 })).toEqual({ path: "", samples: 0 });
  });

  it("is requested for as many ids as an answer and an address hold", () => {
    const ids = Array.from({ length: 60 }, (_, number) => `sensor-${number}`);
    expect(inParts(ids, { window: "24h" })).toEqual([ids]);
    expect(inParts(ids, days(399)).map((part) => part.length)).toEqual([25, 25, 10]);
    expect(inParts(ids, days(500))).toEqual([]);
    const long = ids.map((id) => id + "ü".repeat(200));
    const parts = inParts(long, { window: "24h" });
    expect(parts.flat()).toEqual(long);
    expect(Math.max(...parts.map((part) => encodeURIComponent(part.join("")).length))).toBeLessThan(
      4000,
    );
  });

  it("is not requested for an id that would be taken for a prefix", () => {
    expect(inParts(["a*", "b"], { window: "24h" })).toEqual([["b"]]);
  });

  it("is of averages and their samples alone", () => {
    expect(trendQuery(["a"], { window: "1w" })).toEqual({
      interval: "1w",
      equipmentId: ["a"],
      resolution: "1h",
      statistics: ["average", "count"],
      limit: 10_000,
    });
  });
});

describe("the sample", () => {
  const now = new Date("2026-03-01T12:34:56Z");
  const rows = sampleCsv(now)
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(","));
  const of = (id: string) => rows.filter(([equipmentId]) => equipmentId === id);

  it("reaches up to now and over two months, each reading once", () => {
    expect(new Set(rows.map(([id]) => id))).toEqual(
      new Set(SAMPLE_SENSORS.map(({ equipmentId }) => equipmentId)),
    );
    const times = of("sample-office").map(([, time]) => time);
    expect([times.at(0), times.at(-1)]).toEqual([
      "2025-12-29T13:00:00.000Z",
      "2026-03-01T12:30:00.000Z",
    ]);
    expect(new Set(rows.map(([id, time]) => `${id} ${time}`)).size).toBe(rows.length);
    expect(rows.every(([, , value]) => Number.isFinite(Number(value)))).toBe(true);
  });

  it("has a sensor that stands out and one that has fallen silent", () => {
    const colds = of("sample-cold-store").map(([, , value]) => Number(value));
    expect(colds.at(-1)).toBeGreaterThan(Math.max(...colds.slice(0, -10)) + 3);
    expect(of("sample-pump").at(-1)?.[1]).toBe("2026-03-01T09:30:00.000Z");
  });

  it("has the same values when it is made again", () => {
    const later = new Set(sampleCsv(new Date("2026-03-01T12:59:00Z")).split("\n"));
    const settled = of("sample-office").filter(([, time = ""]) => time.endsWith(":00:00.000Z"));
    const old = settled.filter(([, time = ""]) => time > "2025-12-30");
    expect(old.every((row) => later.has(row.join(",")))).toBe(true);
  });
});
