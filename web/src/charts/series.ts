/** Numbers over time; null, in a typed array NaN, is a gap. */
export type Column = readonly (number | null)[] | Float64Array;

/** What is drawn of a piece of equipment or of all: a line, and a band about it where there is one. */
export interface Series {
  label: string;
  unit: string | null;
  /** In Unix seconds, ascending. */
  times: Column;
  values: Column;
  minimum?: Column;
  maximum?: Column;
  /** Times further apart than so many seconds have a gap between them. */
  longestStep?: number;
  /** Which of the chart's colours it has; by its place among the series if not said. */
  colour?: number;
  /** Of another time or kind than the others, and drawn so. */
  dashed?: boolean;
  /** Each value is a point of its own, marked where there is room for that. */
  points?: boolean;
}

/** From a moment on and before another, in Unix seconds. */
export interface Interval {
  from: number;
  to: number;
}

/** A series as it is drawn, frame after frame. */
export interface Track {
  times: Float64Array;
  values: Float64Array;
  band: { minimum: Float64Array; maximum: Float64Array } | null;
  longestStep: number;
  colour: number;
  dashed: boolean;
  points: boolean;
  unit: string | null;
}

export function trackOf(series: Series, place: number): Track {
  const { minimum, maximum } = series;
  return {
    times: typed(series.times),
    values: typed(series.values),
    band: minimum && maximum ? { minimum: typed(minimum), maximum: typed(maximum) } : null,
    longestStep: series.longestStep ?? Number.POSITIVE_INFINITY,
    colour: series.colour ?? place,
    dashed: series.dashed ?? false,
    points: series.points ?? false,
    unit: series.unit,
  };
}

export function typed(column: Column): Float64Array {
  return column instanceof Float64Array
    ? column
    : Float64Array.from(column, (value) => value ?? Number.NaN);
}

/** The units of series, each once; each has a scale of its own. */
export function unitsOf(series: readonly Series[]): (string | null)[] {
  return [...new Set(series.map((each) => each.unit))];
}

/** From the first time of all series to the last. */
export function wholeInterval(series: readonly Series[]): Interval {
  const all = series.map((each) => typed(each.times)).filter((times) => times.length > 0);
  const from = Math.min(...all.map((times) => times[0] ?? 0));
  const to = Math.max(...all.map((times) => times[times.length - 1] ?? 0));
  if (all.length === 0) return { from: 0, to: 1 };
  return from < to ? { from, to } : { from: from - 1, to: to + 1 };
}
