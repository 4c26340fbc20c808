import type { Query } from "../api/client.ts";
import type { Interval } from "../charts/series.ts";
import { rangeQuery } from "../time/range.ts";
import type { Aggregates } from "./fetching.ts";
import type { ReadingsById } from "./readings.ts";
import { beginsInZone } from "./resolutions.ts";
import type { View } from "./view.ts";
import { intervalOf } from "./zoom.ts";

/** What the page shows of a view: chart, table and statistics are all made of it. */
export interface Shown {
  view: View;
  /** What it reaches over, in Unix seconds; that of a window ends when it was answered. */
  interval: Interval;
  /** The buckets. */
  aggregates: Aggregates;
  /** Every reading, where these are shown instead of buckets. */
  readings: ReadingsById | null;
  /** The readings were to be shown, and are more than are shown one by one. */
  tooMany: boolean;
}

/** Readings that are shown one by one if that is what was chosen, and if it was not. */
export const MOST_READINGS = 200_000;
const MOST_READINGS_UNASKED = 20_000;
/** So many of a piece of equipment have room to be seen one by one. */
const FEW_READINGS = 300;
/** Ranges of at most so many seconds are looked at reading by reading. */
const SHORT_RANGE = 3600;
/** Buckets with hardly more readings than that say nothing that these do not. */
const READINGS_PER_BUCKET = 2;
/** So few buckets are no picture of a range. */
const FEW_BUCKETS = 5;

/** The query of GET /sensor-data/aggregated that answers with the buckets of a view. */
export function aggregatesQuery(view: View): Query<"/sensor-data/aggregated"> {
  const { from, to } = intervalOf(view.range, new Date());
  return {
    ...rangeQuery(view.range),
    equipmentId: [...view.equipmentIds],
    resolution: view.resolution === "raw" ? "auto" : view.resolution,
    fill: "null",
    ...(view.compare === null ? {} : { compare: view.compare }),
    ...(beginsInZone(view.resolution, to - from) ? { tz: view.timeZone } : {}),
  };
}

/** How many readings are worth showing one by one; 0 where buckets are better. */
export function mostReadings(
  view: View,
  { items, totalCount }: Aggregates,
  shown: Interval,
): number {
  if (view.resolution === "raw") return totalCount > MOST_READINGS ? 0 : MOST_READINGS;
  if (view.resolution !== "auto" || totalCount > MOST_READINGS_UNASKED) return 0;
  const filled = items.filter((item) => item.sampleCount !== 0).length;
  const isShort = shown.to - shown.from <= SHORT_RANGE;
  if (isShort) return filled < FEW_BUCKETS ? MOST_READINGS : MOST_READINGS_UNASKED;
  const haveRoom = totalCount <= FEW_READINGS * view.equipmentIds.length;
  const areSparse = totalCount <= READINGS_PER_BUCKET * filled;
  return totalCount > 0 && (haveRoom || areSparse) ? MOST_READINGS_UNASKED : 0;
}
