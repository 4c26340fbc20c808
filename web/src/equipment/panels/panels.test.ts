import { describe, expect, test } from "vitest";
import type { Equipment } from "../fetching.ts";
import type { Shown } from "../shown.ts";
import { draftOf, enteredIn, metadataText } from "./metadata.ts";
import { cellTimes, rowTimes } from "./moments.ts";
import { cellText, parseNumber } from "./numbers.ts";
import { isPossible, periodOf, periodSeconds, periodText, unitText } from "./periods.ts";
import { pictureName, placeEntries } from "./picture.ts";
import { addressOf, fileRequestOf, requestOf } from "./requests.ts";
import { rowsOf } from "./rows.ts";
import { curlSnippet, pythonClientSnippet, pythonSnippet } from "./snippets.ts";
import { sqlSnippet } from "./sql.ts";
import { statisticsOf } from "./statistics.ts";

const HOUR = 3600;

function bucket(equipmentId: string, hour: number, value: number | null, before?: number) {
  const count = value === null ? 0 : 2;
  const of = (each: number | null) => ({
    totalValue: each === null ? null : 2 * each,
    average: each,
    minimum: each === null ? null : each - 1,
    maximum: each === null ? null : each + 1,
    first: each === null ? null : each + 1,
    last: each === null ? null : each - 1,
  });
  const start = { equipmentId, intervalStart: hour * HOUR };
  const earlier = { ...start, intervalStart: (hour - 24) * HOUR, sampleCount: 2 };
  const compared = before === undefined ? null : { ...earlier, ...of(before) };
  return { ...start, sampleCount: count, ...of(value), compared };
}

function shown(changes: {
  view?: Partial<Shown["view"]>;
  aggregates?: Partial<Shown["aggregates"]>;
  readings?: Record<string, [number, number][]>;
}): Shown {
  const readings = Object.entries(changes.readings ?? {}).map(
    ([id, pairs]): [string, { times: Float64Array; values: Float64Array }] => [
      id,
      {
        times: Float64Array.from(pairs, ([time]) => time),
        values: Float64Array.from(pairs, ([, value]) => value),
      },
    ],
  );
  return {
    view: {
      equipmentIds: ["a"],
      range: { window: "24h" },
      resolution: "auto",
      timeZone: "UTC",
      compare: null,
      ...changes.view,
    },
    interval: { from: 0, to: 4 * HOUR },
    aggregates: {
      average: null,
      totalCount: 0,
      items: [],
      asOf: "1970-01-01T04:00:00Z",
      resolution: "1h",
      from: "1970-01-01T00:00:00Z",
      to: "1970-01-01T04:00:00Z",
      staleRanges: [],
      ...changes.aggregates,
    },
    readings: changes.readings ? new Map(readings) : null,
    tooMany: false,
  };
}

describe("requests", () => {
  test("what is shown is asked for from moment to moment, with all that made it", () => {
    const request = requestOf(
      shown({
        view: { equipmentIds: ["a b", "c"], compare: "1w" },
        aggregates: { resolution: "1d", tz: "America/Sao_Paulo" },
      }),
    );
    expect(addressOf(fileRequestOf(request, "csv", true))).toBe(
      "/sensor-data/aggregated?equipmentId=a+b&equipmentId=c&from=1970-01-01T00%3A00%3A00Z" +
        "&to=1970-01-01T04%3A00%3A00Z&resolution=1d&tz=America%2FSao_Paulo&compare=1w" +
        "&format=csv&csvDialect=spreadsheet",
    );
  });

  test("of readings neither buckets nor a comparison are asked for, and none is left out", () => {
    const request = requestOf(
      shown({
        view: { compare: "1w" },
        readings: {
          a: [
            [0, 1],
            [4 * HOUR + 0.5, 2],
          ],
        },
      }),
    );
    expect(addressOf(fileRequestOf(request, "parquet"))).toBe(
      "/sensor-data?equipmentId=a&from=1970-01-01T00%3A00%3A00Z" +
        "&to=1970-01-01T04%3A00%3A00.501Z&format=parquet",
    );
  });
});

describe("snippets", () => {
  const hostile = requestOf(shown({ view: { equipmentIds: [`it's "$(x)" \\`] } }));

  test("no text ends its quotes", () => {
    const curl = curlSnippet(hostile, "https://x.example");
    expect(curl).toContain(`'equipmentId=it'\\''s "$(x)" \\'`);
    expect(curl).toContain(`'https://x.example/sensor-data/aggregated'`);
    const python = '("equipmentId", "it\'s \\"$(x)\\" \\\\"),';
    expect(pythonSnippet(hostile, "https://x.example")).toContain(python);
    expect(pythonClientSnippet(hostile, "https://x.example")).toContain(python);
    expect(sqlSnippet(shown({ view: { equipmentIds: ["it's"] } }))).toContain("IN ('it''s')");
  });

  test.each([
    [{ resolution: "1h" } as const, "FROM bi.readings_1h"],
    [{ resolution: "1d", tz: "UTC" } as const, "FROM bi.readings_1d"],
    [{ resolution: "15m" } as const, "date_bin('15 minutes', readings.time, "],
    [
      { resolution: "1d", tz: "Asia/Kathmandu" } as const,
      "date_trunc('day', readings.time, 'Asia/Kathmandu')",
    ],
  ])("SQL takes the view that has the buckets of %o", (aggregates, expected) => {
    expect(sqlSnippet(shown({ aggregates }))).toContain(expected);
  });

  test("SQL has a statement for what is compared, and every reading where these are shown", () => {
    const compared = {
      average: null,
      totalCount: 0,
      from: "1969-12-31T20:00:00Z",
      to: "1970-01-01T00:00:00Z",
      staleRanges: [],
    };
    const both = sqlSnippet(shown({ view: { compare: "previous" }, aggregates: { compared } }));
    expect(both.match(/SELECT/g)).toHaveLength(2);
    expect(both).toContain("time < '1970-01-01T00:00:00Z'");
    expect(sqlSnippet(shown({ readings: { a: [] } }))).toContain(
      "register_time\nFROM bi.readings\n",
    );
  });
});

describe("rows", () => {
  test("are the buckets that have readings, with what they are compared with", () => {
    const items = [bucket("a", 0, 5, 4), bucket("a", 1, null, 3), bucket("a", 2, 6)];
    const rows = rowsOf(shown({ view: { compare: "previous" }, aggregates: { items } }));
    expect(rows.columns.at(-1)).toBe("averageBefore");
    expect(Array.from({ length: rows.count }, (_, number) => rows.row(number))).toEqual([
      { time: 0, equipmentId: "a", values: [5, 4, 6, 6, 4, 10, 2, 4] },
      { time: 2 * HOUR, equipmentId: "a", values: [6, 5, 7, 7, 5, 12, 2, null] },
    ]);
  });

  test("are the readings of all series in order of time", () => {
    const readings = {
      a: [
        [1, 10],
        [4, 40],
      ],
      b: [
        [2, 20],
        [3, 30],
        [5, 50],
      ],
    } as Record<string, [number, number][]>;
    const rows = rowsOf(shown({ view: { equipmentIds: ["a", "b", "none"] }, readings }));
    const times = Array.from({ length: rows.count }, (_, number) => rows.row(number));
    expect(times.map(({ time }) => time)).toEqual([1, 2, 3, 4, 5]);
    expect(times.map(({ equipmentId }) => equipmentId).join("")).toBe("abbab");
    expect(times.flatMap(({ values }) => values)).toEqual([10, 20, 30, 40, 50]);
  });
});

describe("statistics", () => {
  test("are of all buckets with readings, against the same of what is compared", () => {
    const items = [bucket("a", 0, 5, 4), bucket("a", 1, null, 2), bucket("a", 2, 8)];
    const [only] = statisticsOf(shown({ view: { compare: "previous" }, aggregates: { items } }));
    expect(only?.shown).toEqual({
      count: 4,
      average: 6.5,
      minimum: 4,
      maximum: 9,
      range: 5,
      first: 6,
      last: 7,
      total: 26,
    });
    expect(only?.compared).toMatchObject({ count: 4, average: 3, first: 5, last: 1 });
    expect(only?.coverage).toEqual({ filled: 2, all: 3 });
  });

  test("of readings are of these, and compared only if the buckets hold the same", () => {
    const readings = {
      a: [
        [0, 1],
        [1, -2],
        [2, 4],
      ],
    } as Record<string, [number, number][]>;
    const items = [bucket("a", 0, 5, 4)];
    const [only] = statisticsOf(
      shown({ view: { compare: "1w" }, aggregates: { items }, readings }),
    );
    expect(only).toMatchObject({ compared: null, coverage: null });
    expect(only?.shown).toMatchObject({ count: 3, average: 1, minimum: -2, range: 6, last: 4 });
  });

  test("without readings there are none", () => {
    const [only] = statisticsOf(shown({ view: { compare: "1y" } }));
    expect(only?.compared).toBeNull();
    expect(only?.shown).toMatchObject({ count: 0, average: null, minimum: null, first: null });
  });
});

describe("periods", () => {
  test.each([
    [300, { amount: 5, unit: "minute" }],
    [90, { amount: 90, unit: "second" }],
    [0.25, { amount: 0.25, unit: "second" }],
    [7200, { amount: 2, unit: "hour" }],
    [172_800, { amount: 2, unit: "day" }],
  ] as const)("%d s is %o, and back", (seconds, period) => {
    expect(periodOf(seconds)).toEqual(period);
    expect(periodSeconds(period)).toBe(seconds);
  });

  test("are written in the reader's language", () => {
    expect(periodText(300, "en")).toBe("5 minutes");
    expect(periodText(3600, "pt-BR")).toBe("1 hora");
    expect(unitText("day", 2, "pt-BR")).toBe("dias");
  });

  test("are within what the API accepts", () => {
    expect(isPossible({ amount: 0.001, unit: "second" })).toBe(true);
    expect(isPossible({ amount: 0, unit: "second" })).toBe(false);
    expect(isPossible({ amount: 366, unit: "day" })).toBe(true);
    expect(isPossible({ amount: 367, unit: "day" })).toBe(false);
  });
});

describe("numbers", () => {
  test.each([
    ["1.5", "en", 1.5],
    ["1,5", "pt-BR", 1.5],
    ["1.500,25", "pt-BR", 1500.25],
    ["1,500", "en", 1500],
    ["-3", "en", -3],
    ["1 h", "en", null],
    ["", "en", null],
    ["1,5,2", "pt-BR", null],
  ])("%s in %s is %s", (text, formatting, value) => {
    expect(parseNumber(text, formatting)).toBe(value);
  });

  test("are copied with all digits and without groups", () => {
    expect(cellText(1234.0000000000002, "pt-BR")).toBe("1234,0000000000002");
    expect(cellText(null, "en")).toBe("");
  });
});

describe("metadata", () => {
  const metadata = {
    name: "Pump",
    unit: null,
    location: null,
    zone: null,
    expectedPeriodSeconds: 5400,
  } as Equipment;
  const zones = ["UTC", "America/Sao_Paulo"];

  test("is entered as it is read", () => {
    const draft = draftOf(metadata, "expectedPeriodSeconds", "en");
    expect(draft).toEqual({ text: "90", unit: "minute" });
    expect(enteredIn(draft, "expectedPeriodSeconds", "en", zones)).toEqual({ value: 5400 });
    expect(metadataText(metadata, "expectedPeriodSeconds", "en")).toBe("90 minutes");
    expect(metadataText(metadata, "unit", "en")).toBeNull();
  });

  test.each([
    ["name", " ", { value: null }],
    ["name", " Feed pump ", { value: "Feed pump" }],
    ["unit", "x".repeat(51), { problem: "tooLong", most: 50 }],
    ["unit", "😀".repeat(50), { value: "😀".repeat(50) }],
    ["zone", "america/sao_paulo", { value: "America/Sao_Paulo" }],
    ["zone", "Mars/Base", { value: "Mars/Base" }],
    ["expectedPeriodSeconds", "soon", { problem: "notANumber" }],
    ["expectedPeriodSeconds", "-1", { problem: "outOfRange" }],
  ] as const)("%s entered as %j is %o", (field, text, entered) => {
    expect(enteredIn({ text, unit: "second" }, field, "en", zones)).toEqual(entered);
  });
});

describe("times", () => {
  test("of rows are by the clock of the zone, as exact as they are", () => {
    expect(rowTimes("bucket", "en-GB", "America/Sao_Paulo")(0)).toBe("31/12/1969, 21:00");
    expect(rowTimes("day", "pt-BR", "UTC")(0)).toBe("01/01/1970");
    expect(rowTimes("reading", "en-GB", "UTC")(1.25)).toBe("01/01/1970, 00:00:01.250");
    expect(cellTimes("Asia/Kathmandu")(0)).toBe("1970-01-01 05:30:00");
  });
});

describe("pictures", () => {
  test("have their legend in as many lines as it takes", () => {
    const entry = (name: string) => ({ name, colour: 0, isDashed: false });
    const placed = placeEntries([entry("one"), entry("two"), entry("three")], 120, () => 30);
    expect(placed.map(({ left, line }) => [left, line])).toEqual([
      [0, 0],
      [0, 1],
      [0, 2],
    ]);
    expect(placeEntries([entry("one"), entry("two")], 200, () => 30).at(-1)?.left).toBe(70);
  });

  test("are called what they show, without what file systems refuse", () => {
    const picture = { title: "line/4:boiler", subtitle: "1 Jan 2026", legend: [] };
    expect(pictureName(picture as never)).toBe("line-4-boiler 1 Jan 2026.png");
  });
});
