import type { Schema } from "../../api/client.ts";

export type Options = Schema<"ImportOptions">;
export type Remedy = Schema<"Remedy">;

/** The options of an import as the fields of its form. */
export type ImportOptionsForm = Readonly<Record<string, string>>;

/** Those that are null are left out: the server decides. */
export function formOf(options: Options): ImportOptionsForm {
  const fields = Object.entries(options).flatMap(([name, value]) =>
    value == null ? [] : [[name, written(value)] as const],
  );
  return Object.fromEntries(fields);
}

function written(value: NonNullable<Options[keyof Options]>): string {
  if (typeof value === "object") return JSON.stringify(value);
  return value === "\t" ? "tab" : String(value);
}

/** The options with what is meant to mend a file or a row. */
export function mended(options: Options, remedy: Remedy): Options {
  return { ...options, [remedy.option]: remedy.value };
}

/** Whether both are the same in the options named. */
export function agree(one: Options, other: Options, names: readonly string[]): boolean {
  const [ours, theirs] = [formOf(one), formOf(other)];
  return names.every((name) => ours[name] === theirs[name]);
}

/** A list as somebody writes it in one line; quotes keep blanks and commas, and say an empty text. */
export function listOf(text: string): string[] {
  const parts = text.match(/\s*"[^"]*"\s*|[^,]+/g) ?? [];
  return parts
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => part.replace(/^"(.*)"$/, "$1"));
}

/** The reverse of `listOf`. */
export function listed(texts: readonly string[]): string {
  return texts
    .map((text) => (text === "" || text !== text.trim() || text.includes(",") ? `"${text}"` : text))
    .join(", ");
}
