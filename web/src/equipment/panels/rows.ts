import { at } from "../../charts/search.ts";
import type { ReadingsById } from "../readings.ts";
import type { Shown } from "../shown.ts";

export type BucketColumn =
  | "average"
  | "minimum"
  | "maximum"
  | "first"
  | "last"
  | "total"
  | "count"
  | "averageBefore";
export type ColumnName = BucketColumn | "value";

export interface Row {
  /** In Unix seconds. */
  time: number;
  equipmentId: string;
  /** Of the columns, in their order. */
  values: readonly (number | null)[];
}

/** A table of which only the rows in sight are made. */
export interface Rows {
  columns: readonly ColumnName[];
  count: number;
  row: (number: number) => Row;
}

const BUCKET_COLUMNS: readonly BucketColumn[] = [
  "average",
  "minimum",
  "maximum",
  "first",
  "last",
  "total",
  "count",
];

/** What is shown, in order of time: every reading, or the buckets that have some. */
export function rowsOf({ view, aggregates, readings }: Shown): Rows {
  if (readings !== null) return readingRows(readings, view.equipmentIds);
  const items = aggregates.items.filter((item) => item.sampleCount !== 0);
  const isCompared = view.compare !== null;
  const row = (number: number): Row => {
    const item = items[number];
    if (item === undefined) throw new RangeError(`there is no row ${number}`);
    const { average, minimum, maximum, first, last, totalValue, sampleCount, compared } = item;
    const values = [average, minimum, maximum, first, last, totalValue, sampleCount];
    if (isCompared) values.push(compared?.average);
    return {
      time: item.intervalStart,
      equipmentId: item.equipmentId ?? "",
      values: values.map((value) => value ?? null),
    };
  };
  const columns: ColumnName[] = [...BUCKET_COLUMNS];
  if (isCompared) columns.push("averageBefore");
  return { columns, count: items.length, row };
}

function readingRows(readings: ReadingsById, equipmentIds: readonly string[]): Rows {
  const series = equipmentIds.flatMap((id) => {
    const each = readings.get(id);
    return each === undefined ? [] : [{ equipmentId: id, ...each }];
  });
  const places = merged(series.map(({ times }) => times));
  const row = (number: number): Row => {
    const which = at(places.series, number);
    const index = at(places.indexes, number);
    const found = series[which];
    if (found === undefined) throw new RangeError(`there is no row ${number}`);
    const { equipmentId, times, values } = found;
    return { time: at(times, index), equipmentId, values: [at(values, index)] };
  };
  return { columns: ["value"], count: places.indexes.length, row };
}

interface Places {
  /** Of each row of the table: its series, and its place there. */
  series: Float64Array;
  indexes: Float64Array;
}

/** The order in which ascending times of several series follow each other. */
function merged(times: readonly Float64Array[]): Places {
  const count = times.reduce((sum, each) => sum + each.length, 0);
  const places = { series: new Float64Array(count), indexes: new Float64Array(count) };
  const next = new Float64Array(times.length);
  for (let place = 0; place < count; place++) {
    const earliest = earliestOf(times, next);
    places.series[place] = earliest;
    places.indexes[place] = at(next, earliest);
    next[earliest] = at(next, earliest) + 1;
  }
  return places;
}

function earliestOf(times: readonly Float64Array[], next: Float64Array): number {
  let earliest = 0;
  let earliestTime = Number.POSITIVE_INFINITY;
  for (let index = 0; index < times.length; index++) {
    const time = times[index]?.[at(next, index)] ?? Number.POSITIVE_INFINITY;
    if (time < earliestTime) [earliest, earliestTime] = [index, time];
  }
  return earliest;
}
