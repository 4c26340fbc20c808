/** What GET /imports/{id}/rejects gives and POST takes back. */
const COLUMNS = ["line", "code", "column", "row"] as const;

/** As much as the server takes back at once, and this page reads. */
export const MAX_BYTES = 16 * 2 ** 20;
/** A browser draws what is higher than some ten million pixels badly. */
export const MAX_ROWS = 100_000;
/** Longer rows are for an editor. */
export const MAX_EDITED_CHARACTERS = 10_000;

/** A rejected row, or of a wide file a cell. */
export interface Reject {
  line: number;
  code: string;
  column: string;
  row: string;
}

export interface RejectList {
  rejects: readonly Reject[];
  /** Else these are the first of them. */
  isWhole: boolean;
}

/** A reject is known by it, in this list and in the next. */
export type Key = string;

export function keyOf({ line, column }: Pick<Reject, "line" | "column">): Key {
  return `${line}:${column}`;
}

/** The rejects in a list; the last of one that was cut off is left out. */
export async function parseRejects(text: string, isWhole: boolean): Promise<Reject[]> {
  const { default: Papa } = await import("papaparse");
  const { data } = Papa.parse<string[]>(text, {
    delimiter: ",",
    newline: "\n",
    skipEmptyLines: true,
  });
  const records = data.slice(1, isWhole ? undefined : -1);
  return records.map(([line = "", code = "", column = "", row = ""]) => ({
    line: Number(line),
    code,
    column,
    row,
  }));
}

/** Rows in the form in which they are taken back. */
export async function writeRejects(rejects: readonly Reject[]): Promise<string> {
  const { default: Papa } = await import("papaparse");
  const data = rejects.map((reject) => COLUMNS.map((column) => reject[column]));
  return Papa.unparse({ fields: [...COLUMNS], data }, { newline: "\n" });
}

/** How many rejects have a code, the most frequent first. */
export function countByCode(rejects: readonly Reject[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const { code } of rejects) counts.set(code, (counts.get(code) ?? 0) + 1);
  return [...counts].sort(([, one], [, other]) => other - one);
}

/** Those of the rejects that were sent again which are in the list that is left. */
export function stillRejected(sent: readonly Reject[], left: readonly Reject[]): Reject[] {
  const keys = new Set(left.map(keyOf));
  const lines = new Set(left.map(({ line }) => line));
  // A line of a wide file that did not split comes back as its cells.
  return sent.filter((each) => keys.has(keyOf(each)) || (!each.column && lines.has(each.line)));
}
