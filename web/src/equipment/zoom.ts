import type { Interval } from "../charts/series.ts";
import { type TimeRange, WINDOW_HOURS } from "../time/range.ts";

/** In seconds. */
const SHORTEST = 0.1;
const LONGEST = 36_600 * 86_400;
const EARLIEST = Date.UTC(1970) / 1000;
const LATEST = Date.UTC(9000) / 1000;
/** What the ends of a range are rounded to, so that they are ends of buckets where there are any. */
const STEPS = [3600, 900, 300, 60, 10, 1, 0.1, 0.01, 0.001];
const STEPS_IN_RANGE = 60;

/** The range of an interval that was marked on the chart, its ends rounded outwards. */
export function markedRange(interval: Interval): TimeRange {
  const { from, to, step } = bounded(interval);
  return { from: new Date(lower(from, step)), to: new Date(-lower(-to, step)) };
}

/** The range of an interval that the chart was moved to, as long as it was. */
export function movedRange(interval: Interval): TimeRange {
  const { from, to, step } = bounded(interval);
  const start = lower(from + step / 2, step);
  return { from: new Date(start), to: new Date(start + Math.round((to - from) * 1000)) };
}

/** Where a range is on the chart; a window ends at a moment. */
export function intervalOf(range: TimeRange, now: Date): Interval {
  if (!("window" in range)) return { from: +range.from / 1000, to: +range.to / 1000 };
  const to = +now / 1000;
  return { from: to - WINDOW_HOURS[range.window] * 3600, to };
}

/** In milliseconds, as a link names moments; what is a step but for rounding is one. */
function lower(seconds: number, step: number): number {
  const milliseconds = Math.round(step * 1000);
  return Math.floor((seconds * 1000) / milliseconds + 1e-6) * milliseconds;
}

/** Not shorter, longer, earlier or later than the API answers; and what its ends are rounded to. */
function bounded({ from, to }: Interval): Interval & { step: number } {
  const length = Math.max(SHORTEST, Math.min(LONGEST, to - from));
  const middle = (from + to) / 2;
  const start = Math.max(EARLIEST, Math.min(LATEST - length, middle - length / 2));
  const step = STEPS.find((each) => length / each >= STEPS_IN_RANGE) ?? 0.001;
  return { from: start, to: start + length, step };
}
