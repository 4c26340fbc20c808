import { describe, expect, it } from "vitest";
import { gapSeconds, lastMoment, linesOf } from "./lines.ts";
import { momentText } from "./moments.ts";
import { secondsOf, withReading } from "./readings.ts";
import { beginsInZone, isAllowed } from "./resolutions.ts";
import { aggregatesQuery, mostReadings } from "./shown.ts";
import { Throttle } from "./throttle.ts";
import { valueAt } from "./values.ts";
import type { View } from "./view.ts";
import { intervalOf, markedRange, movedRange } from "./zoom.ts";

const at = (text: string) => Date.parse(text) / 1000;

describe("a zoomed range", () => {
  it.each([
    [
      "2026-01-01T00:07:00Z",
      "2026-01-08T13:10:00Z",
      "2026-01-01T00:00:00Z",
      "2026-01-08T14:00:00Z",
    ],
    [
      "2026-01-01T00:07:10Z",
      "2026-01-01T06:00:01Z",
      "2026-01-01T00:05:00Z",
      "2026-01-01T06:05:00Z",
    ],
    [
      "2026-01-01T00:07:11.7Z",
      "2026-01-01T00:20:00.1Z",
      "2026-01-01T00:07:10Z",
      "2026-01-01T00:20:10Z",
    ],
    [
      "2026-01-01T00:00:00.123Z",
      "2026-01-01T00:00:01.001Z",
      "2026-01-01T00:00:00.12Z",
      "2026-01-01T00:00:01.01Z",
    ],
  ])("from %s to %s ends at full steps", (from, to, first, last) => {
    const range = markedRange({ from: at(from), to: at(to) });
    expect(range).toEqual({ from: new Date(first), to: new Date(last) });
  });

  it("is neither shorter nor longer nor earlier than what the API answers", () => {
    const length = ({ from, to }: { from: number; to: number }) => {
      const { from: start, to: end } = intervalOf(markedRange({ from, to }), new Date());
      return end - start;
    };
    expect(length({ from: 1e9, to: 1e9 + 1e-6 })).toBeCloseTo(0.1, 2);
    expect(length({ from: -1e12, to: 1e12 })).toBe(36_600 * 86_400);
  });

  it("keeps its length when it is moved", () => {
    const from = at("2026-01-01T00:07:11Z");
    expect(movedRange({ from, to: from + 86_400 })).toEqual({
      from: new Date("2026-01-01T00:00:00Z"),
      to: new Date("2026-01-02T00:00:00Z"),
    });
  });

  it("of a window ends now", () => {
    const now = new Date("2026-01-02T00:00:00Z");
    const { from, to } = intervalOf({ window: "24h" }, now);
    expect([from, to]).toEqual([at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z")]);
  });
});

describe("resolutions", () => {
  it.each([
    ["1m", 86_400, true],
    ["1m", 86_401, false],
    ["1d", 86_400_000, true],
    ["auto", 1e10, true],
    ["raw", 1e10, true],
  ] as const)("%s over %s seconds is allowed: %s", (resolution, seconds, allowed) => {
    expect(isAllowed(resolution, seconds)).toBe(allowed);
  });

  it("begin as in a zone from hours on", () => {
    expect(beginsInZone("auto", 86_400)).toBe(false);
    expect(beginsInZone("auto", 7 * 86_400)).toBe(true);
    expect(beginsInZone("1h", 60)).toBe(true);
    expect(beginsInZone("15m", 7 * 86_400)).toBe(false);
  });
});

describe("readings", () => {
  const readings = new Map([
    ["a", { times: Float64Array.from([10, 20]), values: Float64Array.from([1, 2]) }],
  ]);
  const reading = (equipmentId: string, second: number, value: number) => ({
    equipmentId,
    timestamp: `1970-01-01T00:00:${second}Z`,
    value,
  });

  it("are timed to the microsecond", () => {
    expect(secondsOf("2026-01-01T00:00:00.000123Z") - at("2026-01-01T00:00:00Z")).toBeCloseTo(
      0.000123,
      6,
    );
    expect(secondsOf("2026-01-01T00:00:01Z")).toBe(at("2026-01-01T00:00:01Z"));
  });

  it.each([
    [15, [10, 15, 20], [1, 9, 2]],
    [20, [10, 20], [1, 9]],
    [30, [10, 20, 30], [1, 2, 9]],
  ])("take up one of second %s in its place", (second, times, values) => {
    const more = withReading(readings, reading("a", second, 9)).get("a");
    expect([[...(more?.times ?? [])], [...(more?.values ?? [])]]).toEqual([times, values]);
  });

  it("of other equipment change nothing", () => {
    expect(withReading(readings, reading("b", 15, 9))).toBe(readings);
  });

  it("have a gap where more than two periods, or five usual steps, are missing", () => {
    const times = Float64Array.from([0, 10, 20, 30, 100, 110]);
    expect(gapSeconds(times, 20)).toBe(40);
    expect(gapSeconds(times, null)).toBe(50);
    expect(gapSeconds(new Float64Array(1), null)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("lines", () => {
  const view: View = {
    equipmentIds: ["b", "a"],
    range: { window: "24h" },
    resolution: "auto",
    timeZone: "UTC",
    compare: "1w",
  };
  const item = (equipmentId: string, intervalStart: number, average: number | null) => ({
    equipmentId,
    intervalStart,
    average,
    minimum: average === null ? null : average - 1,
    maximum: average === null ? null : average + 1,
    compared: average === null ? null : { intervalStart: 0, average: -average },
  });
  const aggregates = {
    asOf: "2026-01-01T00:00:00Z",
    average: 1,
    from: "2026-01-01T00:00:00Z",
    to: "2026-01-02T00:00:00Z",
    totalCount: 3,
    resolution: "1h" as const,
    staleRanges: [],
    items: [item("a", 0, 1), item("b", 0, 5), item("a", 3600, null), item("b", 3600, 6)],
  };
  const shown = {
    view,
    interval: { from: 0, to: 7200 },
    aggregates,
    readings: null,
    tooMany: false,
  };

  it("come in the order of the view, gaps and all, with those of before", () => {
    const [b, a] = linesOf(shown, new Map());
    expect([b?.equipmentId, a?.equipmentId]).toEqual(["b", "a"]);
    expect([...(a?.series.values ?? [])]).toEqual([1, Number.NaN]);
    expect([...(b?.series.maximum ?? [])]).toEqual([6, 7]);
    expect([...(b?.compared?.values ?? [])]).toEqual([-5, -6]);
    expect(a && valueAt(a.series, 3000)).toEqual({
      time: 3600,
      value: null,
      minimum: null,
      maximum: null,
    });
  });

  it("of equipment that sends less often than buckets begin have no gap in between", () => {
    const hours = [
      0,
      null,
      null,
      null,
      4,
      null,
      null,
      null,
      8,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      9,
    ];
    const items = hours.map((value, hour) => item("b", 3600 * hour, value));
    const [line] = linesOf({ ...shown, aggregates: { ...aggregates, items } }, new Map());
    expect([...(line?.series.values ?? [])]).toEqual([0, 4, 8, 9]);
    expect(line?.series.longestStep).toBe(9 * 3600);
  });

  it("are read at their last value where there is no crosshair", () => {
    const lines = linesOf(shown, new Map());
    expect(lastMoment(lines, { from: 0, to: 7200 })).toBe(3600);
    expect(lastMoment(lines.slice(1), { from: 0, to: 7200 })).toBe(0);
    expect(lastMoment(lines.slice(1), { from: 7200, to: 9000 })).toBe(9000);
  });

  it("are of readings where these are shown", () => {
    const columns = { times: Float64Array.from([1, 2]), values: Float64Array.from([3, 4]) };
    const [line] = linesOf({ ...shown, readings: new Map([["b", columns]]) }, new Map());
    expect(line?.series).toMatchObject({ ...columns, points: true });
  });
});

describe("a view", () => {
  const view: View = {
    equipmentIds: ["a"],
    range: { window: "48h" },
    resolution: "auto",
    timeZone: "Asia/Kathmandu",
    compare: null,
  };

  it("of some days asks for the finest buckets, which begin as in any zone", () => {
    expect(aggregatesQuery(view)).toEqual({
      interval: "48h",
      equipmentId: ["a"],
      resolution: "auto",
      fill: "null",
    });
  });

  it("of hours or days asks for those of its zone", () => {
    const week = { ...view, range: { window: "1w" }, compare: "previous" } as const;
    const zoned = { tz: "Asia/Kathmandu", compare: "previous", resolution: "auto" };
    expect(aggregatesQuery(week)).toMatchObject(zoned);
    expect(aggregatesQuery({ ...view, resolution: "1h" })).toMatchObject({ tz: "Asia/Kathmandu" });
  });

  const buckets = (count: number, samples: number) => ({
    asOf: "",
    average: null,
    from: "",
    to: "",
    totalCount: count * samples,
    resolution: "1m" as const,
    staleRanges: [],
    items: Array.from({ length: count }, () => ({ intervalStart: 0, sampleCount: samples })),
  });
  it.each([
    ["auto", 86_400, 1440, 2, 20_000],
    ["auto", 86_400, 1440, 3, 0],
    ["auto", 86_400, 10, 30, 20_000],
    ["auto", 86_400, 10, 31, 0],
    ["auto", 3600, 60, 60, 20_000],
    ["auto", 3600, 60, 1000, 0],
    ["auto", 10, 0, 0, 200_000],
    ["5m", 86_400, 288, 1, 0],
    ["raw", 1e7, 1000, 200, 200_000],
    ["raw", 1e7, 1000, 201, 0],
  ] as const)(
    "%s over %s s, of %s buckets of %s readings, shows at most %s one by one",
    (resolution, seconds, count, samples, most) => {
      const interval = { from: 0, to: seconds };
      expect(mostReadings({ ...view, resolution }, buckets(count, samples), interval)).toBe(most);
    },
  );
});

describe("moments", () => {
  it.each([
    [null, "1 Mar 2026, 20:00:00"],
    [300, "1 Mar 2026, 20:00–20:05"],
    [86_400, "Sunday 1 March 2026"],
  ])("of buckets of %s seconds are written %s", (seconds, words) => {
    const text = momentText(at("2026-03-01T23:00:00Z"), seconds, "en-GB", "America/Sao_Paulo");
    expect(text.replaceAll(/\s*–\s*/g, "–").replace("Sunday,", "Sunday")).toBe(words);
  });

  it("have fractions of a second where there are some", () => {
    const text = momentText(at("2026-03-01T23:00:00Z") + 0.25, null, "en-GB", "UTC");
    expect(text).toBe("1 Mar 2026, 23:00:00.250");
  });
});

describe("a throttled action", () => {
  it("is carried out at once, and once more after a pause however often it is wanted", async () => {
    let count = 0;
    const throttle = new Throttle(async () => {
      count++;
    }, 10);
    for (let wanted = 0; wanted < 5; wanted++) throttle.want();
    expect(count).toBe(1);
    await expect.poll(() => count).toBe(2);
    throttle.stop();
  });
});
