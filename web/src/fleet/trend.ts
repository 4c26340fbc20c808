import type { Query } from "../api/client.ts";
import { rangeQuery, type TimeRange, WINDOW_HOURS } from "../time/range.ts";

type Aggregated = Query<"/sensor-data/aggregated">;
type Resolution = Exclude<NonNullable<Aggregated["resolution"]>, "auto">;

/** A small line of averages over a range, and how many samples they are of. */
export interface Trend {
  /** An SVG path in a box of WIDTH by HEIGHT. */
  path: string;
  samples: number;
}

/** A bucket of one piece of equipment: its start in Unix seconds. */
export interface Bucket {
  start: number;
  average: number;
  samples: number;
}

/** From a moment on and before another, in Unix seconds, in buckets so wide. */
export interface Span {
  from: number;
  to: number;
  step: number;
}

export const WIDTH = 120;
export const HEIGHT = 32;
const MARGIN = 3;
const LONGEST_STEPS = 1.5;

const HOUR = 3600;
const STEP_SECONDS: Record<Resolution, number> = {
  "1m": 60,
  "5m": 300,
  "15m": 900,
  "1h": HOUR,
  "1d": 24 * HOUR,
};
/** The finest that a range of so many hours is drawn in: more points would not be seen. */
const FINEST: readonly (readonly [hours: number, Resolution])[] = [
  [2, "1m"],
  [10, "5m"],
  [23, "15m"],
  [200, "1h"],
  [400 * 24, "1d"],
];
const LARGEST_PAGE = 10_000;
/** Proxies refuse addresses much longer than that. */
const LONGEST_QUERY = 4000;

/** The width of the buckets of a range's trends; null where the range is too long for any. */
export function trendResolution(range: TimeRange): Resolution | null {
  return FINEST.find(([longest]) => hoursOf(range) <= longest)?.[1] ?? null;
}

/** The averages and samples of some equipment over a range. */
export function trendQuery(ids: readonly string[], range: TimeRange): Aggregated {
  return {
    ...rangeQuery(range),
    equipmentId: [...ids],
    resolution: trendResolution(range) ?? "1d",
    statistics: ["average", "count"],
    limit: LARGEST_PAGE,
  };
}

/** The ids in parts that one request each may name, and one page of its answer holds. */
export function inParts(ids: readonly string[], range: TimeRange): string[][] {
  const resolution = trendResolution(range);
  if (resolution === null) return [];
  const buckets = Math.ceil((hoursOf(range) * HOUR) / STEP_SECONDS[resolution]) + 1;
  const most = Math.max(1, Math.floor(LARGEST_PAGE / buckets));
  const parts: string[][] = [];
  let room = 0;
  for (const id of ids) {
    // An id that ends so would be taken for a prefix.
    if (id.endsWith("*")) continue;
    const length = encodeURIComponent(id).length + "&equipmentId=".length;
    const part = parts.at(-1);
    if (part === undefined || part.length === most || length > room) {
      parts.push([id]);
      room = LONGEST_QUERY - length;
    } else {
      part.push(id);
      room -= length;
    }
  }
  return parts;
}

export function spanOf(from: string, to: string, resolution: string): Span {
  const step = STEP_SECONDS[resolution as Resolution] ?? HOUR;
  return { from: Date.parse(from) / 1000, to: Date.parse(to) / 1000, step };
}

/**
 * As high as the averages reach, as wide as the span. The line breaks where more buckets are missing
 * than usually are between two of this equipment.
 */
export function trendOf(buckets: readonly Bucket[], span: Span): Trend {
  const averages = buckets.map((bucket) => bucket.average);
  const [low, high] = [Math.min(...averages), Math.max(...averages)];
  const width = Math.max(span.to - span.from - span.step, 1);
  const across = (start: number) => MARGIN + ((start - span.from) / width) * (WIDTH - 2 * MARGIN);
  const down = (value: number) =>
    high === low ? HEIGHT / 2 : MARGIN + ((high - value) / (high - low)) * (HEIGHT - 2 * MARGIN);
  const longest = LONGEST_STEPS * Math.max(span.step, usualDistance(buckets));
  const path = buckets.map(({ start, average }, index) => {
    const previous = buckets[index - 1];
    const goesOn = previous !== undefined && start - previous.start <= longest;
    const point = `${across(start).toFixed(1)} ${down(average).toFixed(1)}`;
    // A line of no length is a dot, where nothing goes on from it.
    return goesOn ? `L${point}` : `M${point}h0`;
  });
  const samples = buckets.reduce((sum, bucket) => sum + bucket.samples, 0);
  return { path: path.join(""), samples };
}

/** The median of the distances between one bucket and the next. */
function usualDistance(buckets: readonly Bucket[]): number {
  const distances = buckets
    .slice(1)
    .map(({ start }, index) => start - (buckets[index]?.start ?? 0));
  return distances.toSorted((one, other) => one - other)[Math.floor(distances.length / 2)] ?? 0;
}

function hoursOf(range: TimeRange): number {
  if ("window" in range) return WINDOW_HOURS[range.window];
  return (range.to.getTime() - range.from.getTime()) / 1000 / HOUR;
}
