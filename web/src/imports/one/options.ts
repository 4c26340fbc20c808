import type { Schema } from "../../api/client.ts";
import type { OptionName } from "./optionNames.ts";

type Options = Schema<"ImportOptions">;

/** As the API fills them in where nothing is said (core/imports.py). */
export const USUAL: Required<Options> = {
  encoding: "utf-8",
  delimiter: null,
  decimal: ".",
  timeFormat: "iso8601",
  timeZone: "UTC",
  hour24: "reject",
  columns: {},
  layout: "long",
  idTemplate: "{column}",
  ignoreColumns: [],
  header: "detect",
  skipLines: 0,
  commentPrefix: null,
  skipLinesAfterHeader: 0,
  maxErrors: null,
  onTooManyErrors: "discard",
  onConflict: "replace",
  earliest: null,
  nullValues: [],
};

/** An option in force, as an upload's form writes it. */
export interface OptionInForce {
  name: OptionName;
  value: string;
  isUsual: boolean;
}

export function optionsInForce(options: Options): OptionInForce[] {
  return (Object.keys(USUAL) as OptionName[]).map((name) => {
    const value = options[name] ?? USUAL[name];
    return { name, value: written(value), isUsual: written(value) === written(USUAL[name]) };
  });
}

function written(value: Options[OptionName]): string {
  if (value == null) return "–";
  if (Array.isArray(value)) return value.map(quoted).join(", ") || "–";
  if (typeof value === "object") {
    const pairs = Object.entries(value).map(
      ([name, own]) => `${name} = ${[own].flat().join(" + ")}`,
    );
    return pairs.join(", ") || "–";
  }
  return value === "\t" ? "tab" : String(value);
}

/** An empty text would not be seen. */
function quoted(text: string): string {
  return text.trim() === text && text !== "" ? text : `"${text}"`;
}
