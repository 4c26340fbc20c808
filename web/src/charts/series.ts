import type { AlignedData } from "uplot";

/** What is drawn of a piece of equipment or of all: a line, and a band about it where there is one. */
export interface Series {
  label: string;
  unit: string | null;
  /** In Unix seconds, ascending; the same for all series of a chart. */
  times: readonly number[];
  /** Null is a gap. */
  values: readonly (number | null)[];
  minimum?: readonly (number | null)[];
  maximum?: readonly (number | null)[];
}

/** From a moment on and before another, in Unix seconds. */
export interface Interval {
  from: number;
  to: number;
}

/** Columns for uPlot: the times, then the line, the upper and the lower edge of each series. */
export function columnsOf(series: readonly Series[]): AlignedData {
  const times = [...(series[0]?.times ?? [])];
  const columns = series.flatMap((each) => [
    [...each.values],
    [...(each.maximum ?? [])],
    [...(each.minimum ?? [])],
  ]);
  return [times, ...columns];
}
