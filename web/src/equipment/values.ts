import { at, nearest } from "../charts/search.ts";
import { type Column, type Series, typed } from "../charts/series.ts";

/** What a line shows at a moment. */
export interface ValueAt {
  /** Of the reading or bucket next to the moment, in Unix seconds. */
  time: number;
  /** Null in a gap. */
  value: number | null;
  minimum: number | null;
  maximum: number | null;
}

/** Null where the line has nothing at all. */
export function valueAt(series: Series, moment: number): ValueAt | null {
  const times = typed(series.times);
  const index = nearest(times, moment);
  if (index === null) return null;
  return {
    time: at(times, index),
    value: number(series.values, index),
    minimum: number(series.minimum, index),
    maximum: number(series.maximum, index),
  };
}

function number(column: Column | undefined, index: number): number | null {
  const value = column?.[index] ?? Number.NaN;
  return Number.isNaN(value) ? null : value;
}
