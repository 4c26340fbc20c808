import { describe, expect, it } from "vitest";
import { formats, PATTERN } from "./formats.ts";
import { PREVIEW } from "./messages.ts";
import { agree, formOf, listed, listOf, mended, type Options } from "./options.ts";
import { describeRemedy } from "./remedies.ts";
import { rolesOf, type Table, withHeader, withLayout, withRole } from "./roles.ts";
import { sampleOf } from "./sample.ts";

const { en } = PREVIEW;
const TABLE: Table = {
  headerLine: 1,
  delimiter: ";",
  columns: ["Ort", "Tag", "Uhr", "Wert", "Notiz"],
  mapping: { equipmentId: "Ort", timestamp: "Tag", timeOfDay: "Uhr", value: "Wert" },
  sensors: {},
};
const BARE: Options = {
  idTemplate: "{column}",
  skipLines: 0,
  skipLinesAfterHeader: 0,
  timeFormat: "iso8601",
  timeZone: "UTC",
};
const LONG: Options = { ...BARE, columns: { timestamp: ["Tag", "Uhr"] } };

describe("the form of options", () => {
  it("has texts, JSON for lists and names, and nothing for what is left to the server", () => {
    const options: Options = {
      ...LONG,
      delimiter: "\t",
      commentPrefix: null,
      maxErrors: 5,
      nullValues: ["-9999", ""],
    };
    expect(formOf(options)).toEqual({
      columns: '{"timestamp":["Tag","Uhr"]}',
      delimiter: "tab",
      idTemplate: "{column}",
      maxErrors: "5",
      nullValues: '["-9999",""]',
      skipLines: "0",
      skipLinesAfterHeader: "0",
      timeFormat: "iso8601",
      timeZone: "UTC",
    });
  });

  it("is compared in the options named", () => {
    const other = mended(LONG, { option: "timeFormat", value: "epoch_s" });
    expect(agree(LONG, other, ["columns", "decimal"])).toBe(true);
    expect(agree(LONG, other, ["timeFormat"])).toBe(false);
  });
});

describe("a list in one line", () => {
  it.each([
    ["-9999, NAN", ["-9999", "NAN"]],
    ['"", n/a', ["", "n/a"]],
    ['" x", "a,b"', [" x", "a,b"]],
    ["", []],
  ] as const)("%j is %j, and back", (text, texts) => {
    expect(listOf(text)).toEqual(texts);
    expect(listed(texts)).toBe(text);
  });

  it("does not mind commas too many", () => expect(listOf(" , a,, ")).toEqual(["a"]));
});

describe("roles of columns", () => {
  it("are those that the server has read", () => {
    expect(rolesOf(TABLE, LONG)).toEqual([
      "equipmentId",
      "timestamp",
      "timeOfDay",
      "value",
      "unread",
    ]);
  });

  it("are those it was told, if it could not read the file", () => {
    const unread = { ...TABLE, mapping: {} };
    expect(rolesOf(unread, LONG)).toEqual(["unread", "timestamp", "timeOfDay", "unread", "unread"]);
  });

  it("are exchanged", () => {
    const { columns } = withRole(LONG, TABLE, "Wert", "equipmentId");
    expect(columns).toEqual({ equipmentId: "Wert", value: "Ort", timestamp: ["Tag", "Uhr"] });
  });

  it("pass to a column that had none", () => {
    const { columns } = withRole(LONG, TABLE, "Notiz", "value");
    expect(columns).toEqual({ equipmentId: "Ort", value: "Notiz", timestamp: ["Tag", "Uhr"] });
  });

  it("may be given up", () => {
    const { columns } = withRole(LONG, TABLE, "Uhr", "unread");
    expect(columns).toEqual({ equipmentId: "Ort", value: "Wert", timestamp: "Tag" });
  });

  it("of a wide file are sensors, or ignored", () => {
    const wide = withLayout(LONG, TABLE, "wide");
    const table = { ...TABLE, mapping: { timestamp: "Tag", timeOfDay: "Uhr" } };
    expect(wide.columns).toEqual({ timestamp: ["Tag", "Uhr"] });
    const ignored = withRole(wide, table, "Notiz", "unread");
    expect(ignored.ignoreColumns).toEqual(["Notiz"]);
    expect(rolesOf(table, ignored)).toEqual([
      "sensor",
      "timestamp",
      "timeOfDay",
      "sensor",
      "unread",
    ]);
    expect(withRole(ignored, table, "Notiz", "sensor").ignoreColumns).toEqual([]);
    expect(withLayout(ignored, table, "long")).toMatchObject({ layout: "long", ignoreColumns: [] });
  });

  it("are numbers where no line names them, one for each column that is needed", () => {
    const { columns, header } = withHeader(LONG, { ...TABLE, mapping: { value: "Wert" } }, "none");
    expect([header, columns]).toEqual(["none", { value: "4", equipmentId: "1", timestamp: "2" }]);
    expect(withHeader(LONG, TABLE, "detect").columns).toEqual({});
  });
});

describe("remedies", () => {
  const named = (option: string) => `«${option}»`;

  it.each([
    [{ option: "timeFormat", value: "%d.%m.%Y" }, "Read timestamps as %d.%m.%Y"],
    [{ option: "timeFormat", value: "epoch_s" }, "Read timestamps as Seconds since 1970"],
    [{ option: "decimal", value: "," }, "Read values with a decimal comma"],
    [{ option: "delimiter", value: "\t" }, "Separate fields by Tab"],
    [{ option: "skipLines", value: 3 }, "Skip the first 3 lines"],
    [
      { option: "columns", value: { timestamp: ["Tag", "Uhr"], equipmentId: "Ort" } },
      "Take Ort as Equipment",
    ],
    [{ option: "something", value: 1 }, "Set «something» to 1"],
  ])("say what they do: %j", (remedy, text) => {
    expect(describeRemedy(remedy, LONG, en, named)).toBe(text);
  });
});

describe("what is sent of a file", () => {
  const fileOf = (name: string, size: number) => new File([new Uint8Array(size)], name);

  it.each([
    ["a.csv", 2 ** 20 + 1, 2 ** 20],
    ["a.csv.gz", 2 ** 21, 2 ** 20],
    ["a.csv", 9, 9],
    ["a.XLSX", 2 ** 21, 2 ** 21],
    ["a.parquet", 2 ** 24 + 1, null],
  ] as const)("of %s with %i bytes are %j bytes", (name, size, sent) => {
    expect(sampleOf(fileOf(name, size))?.size ?? null).toBe(sent);
  });
});

describe("time formats", () => {
  it("are the usual ones and the one in force, each once", () => {
    const found = formats({ ...BARE, timeFormat: "%Y%m%d%H%M" }, null);
    expect(found).toContain("%Y%m%d%H%M");
    expect(new Set(found).size).toBe(found.length);
  });

  it.each(["%d.%m.%Y %H:%M", "%I %p %d %b %y"])("%s is a whole pattern", (pattern) => {
    expect(PATTERN.test(pattern)).toBe(true);
  });
  it.each(["%d.%m.%Y", "", "%H:%M"])("%j is none yet", (pattern) => {
    expect(PATTERN.test(pattern)).toBe(false);
  });
});
