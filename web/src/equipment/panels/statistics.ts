import { at } from "../../charts/search.ts";
import type { Aggregates } from "../fetching.ts";
import type { Readings } from "../readings.ts";
import type { Shown } from "../shown.ts";

/** Of all readings of a piece of equipment in a range; null where there are none. */
export interface Statistics {
  count: number;
  average: number | null;
  minimum: number | null;
  maximum: number | null;
  range: number | null;
  first: number | null;
  last: number | null;
  total: number | null;
}

/** How many of the buckets have readings. */
export interface Coverage {
  filled: number;
  all: number;
}

export interface SeriesStatistics {
  equipmentId: string;
  shown: Statistics;
  /** Null where nothing is compared. */
  compared: Statistics | null;
  /** Null where readings are shown instead of buckets. */
  coverage: Coverage | null;
}

type Bucket = Omit<Aggregates["items"][number], "compared">;

/** The statistics of each line, in the order of the view. */
export function statisticsOf({ view, aggregates, readings }: Shown): SeriesStatistics[] {
  const items = byEquipment(aggregates.items);
  const buckets = new Set(aggregates.items.map((item) => item.intervalStart)).size;
  return view.equipmentIds.map((equipmentId) => {
    const own = items.get(equipmentId) ?? [];
    const ofBuckets = bucketStatistics(own);
    const single = readings?.get(equipmentId);
    const shown = single ? readingStatistics(single) : ofBuckets;
    // Without readings there are no buckets, and so nothing beside them.
    const isComparable = view.compare !== null && own.length > 0 && shown.count === ofBuckets.count;
    const compared = isComparable
      ? bucketStatistics(own.flatMap((item) => item.compared ?? []))
      : null;
    const filled = own.filter(hasReadings).length;
    return { equipmentId, shown, compared, coverage: single ? null : { filled, all: buckets } };
  });
}

function byEquipment(items: Aggregates["items"]): ReadonlyMap<string, Aggregates["items"]> {
  const found = new Map<string, Aggregates["items"]>();
  for (const item of items) {
    const { equipmentId = "" } = item;
    const own = found.get(equipmentId);
    if (own === undefined) found.set(equipmentId, [item]);
    else own.push(item);
  }
  return found;
}

/** Buckets in order of time, with or without readings. */
function bucketStatistics(buckets: readonly Bucket[]): Statistics {
  const filled = buckets.filter(hasReadings);
  const count = sum(filled.map((bucket) => bucket.sampleCount ?? 0));
  const total = sum(filled.map((bucket) => bucket.totalValue ?? 0));
  const minimum = least(filled.map((bucket) => bucket.minimum ?? Number.NaN));
  const maximum = greatest(filled.map((bucket) => bucket.maximum ?? Number.NaN));
  return {
    ...derived(count, total, minimum, maximum),
    first: filled[0]?.first ?? null,
    last: filled.at(-1)?.last ?? null,
  };
}

function readingStatistics({ values }: Readings): Statistics {
  const count = values.length;
  return {
    ...derived(count, sum(values), least(values), greatest(values)),
    first: count === 0 ? null : at(values, 0),
    last: count === 0 ? null : at(values, count - 1),
  };
}

function derived(count: number, total: number, minimum: number, maximum: number) {
  if (count === 0) {
    return { count, average: null, minimum: null, maximum: null, range: null, total: null };
  }
  return { count, average: total / count, minimum, maximum, range: maximum - minimum, total };
}

function hasReadings(bucket: Bucket): boolean {
  return (bucket.sampleCount ?? 0) > 0;
}

function sum(values: Iterable<number>): number {
  let result = 0;
  for (const value of values) result += value;
  return result;
}

/** Not Math.min: there may be more values than a call takes arguments. */
function least(values: Iterable<number>): number {
  let result = Number.POSITIVE_INFINITY;
  for (const value of values) if (value < result) result = value;
  return result;
}

function greatest(values: Iterable<number>): number {
  let result = Number.NEGATIVE_INFINITY;
  for (const value of values) if (value > result) result = value;
  return result;
}
