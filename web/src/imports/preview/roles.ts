import type { Schema } from "../../api/client.ts";
import type { Options } from "./options.ts";

export type Table = Schema<"PreviewTable">;
type Layout = NonNullable<Options["layout"]>;
type Header = NonNullable<Options["header"]>;
type Columns = NonNullable<Options["columns"]>;
type Mapping = Readonly<Record<string, string>>;

export const LONG_ROLES = ["equipmentId", "timestamp", "timeOfDay", "value", "unread"] as const;
export const WIDE_ROLES = ["timestamp", "timeOfDay", "sensor", "unread"] as const;
export type Role = (typeof LONG_ROLES)[number] | (typeof WIDE_ROLES)[number];
const NAMED: readonly Role[] = ["equipmentId", "timestamp", "timeOfDay", "value"];

/** What each column of the file holds. */
export function rolesOf(table: Table, options: Options): Role[] {
  const mapping = mappingOf(table, options);
  return table.columns.map((name) => {
    const role = NAMED.find((each) => mapping[each] === name);
    if (role) return role;
    const isSensor = options.layout === "wide" && !options.ignoreColumns?.includes(name);
    return isSensor ? "sensor" : "unread";
  });
}

/** The file's names as the server has read them; of a file that it could not read, as it was told. */
function mappingOf(table: Table, options: Options): Mapping {
  const known = table.mapping ?? {};
  if (Object.keys(known).length > 0) return known;
  const { timestamp, ...others } = options.columns ?? {};
  const [date, time] = [timestamp ?? []].flat();
  const named = { ...others, timestamp: date, timeOfDay: time };
  return Object.fromEntries(
    Object.entries(named).filter((pair): pair is [string, string] => typeof pair[1] === "string"),
  );
}

function columnsOf({ timestamp, timeOfDay, ...others }: Mapping): Columns {
  const times = [timestamp, timeOfDay].filter((name) => name !== undefined);
  if (times.length === 0) return others;
  return { ...others, timestamp: times.length === 1 ? (times[0] as string) : times };
}

/** The options with another role of a column; the column that had it takes its place. */
export function withRole(options: Options, table: Table, column: string, role: Role): Options {
  const mapping: Record<string, string> = { ...mappingOf(table, options) };
  const former = NAMED.find((each) => mapping[each] === column);
  const other = mapping[role];
  if (former) delete mapping[former];
  if (former && other !== undefined) mapping[former] = other;
  if (NAMED.includes(role)) mapping[role] = column;
  const ignored = (options.ignoreColumns ?? []).filter((name) => name !== column);
  const ignoreColumns =
    options.layout === "wide" && role === "unread" ? [...ignored, column] : ignored;
  return { ...options, columns: columnsOf(mapping), ignoreColumns };
}

/** The options of the other layout, with what it shares with this one. */
export function withLayout(options: Options, table: Table | null, layout: Layout): Options {
  const mapping = table === null ? {} : mappingOf(table, options);
  if (layout === "long") {
    const columns = columnsOf(mapping);
    return { ...options, layout, columns, idTemplate: "{column}", ignoreColumns: [] };
  }
  const { timestamp, timeOfDay } = mapping;
  const times = timestamp === undefined ? {} : { timestamp };
  const columns = columnsOf(timeOfDay === undefined ? times : { ...times, timeOfDay });
  return { ...options, layout, columns, header: "detect" };
}

/** The options for columns by their names or, without a header, by their numbers from 1. */
export function withHeader(options: Options, table: Table | null, header: Header): Options {
  if (header === "detect" || table === null) return { ...options, header, columns: {} };
  const mapping = mappingOf(table, options);
  const numbers: Record<string, string> = {};
  for (const role of NAMED) {
    const position = table.columns.indexOf(mapping[role] ?? "");
    if (position >= 0) numbers[role] = String(position + 1);
  }
  const free = table.columns
    .map((_, position) => String(position + 1))
    .filter((number) => !Object.values(numbers).includes(number));
  for (const role of ["equipmentId", "timestamp", "value"])
    numbers[role] ??= free.shift() ?? String(Object.keys(numbers).length + 1);
  const columns = columnsOf(numbers);
  return { ...options, header, columns, layout: "long", skipLinesAfterHeader: 0 };
}
