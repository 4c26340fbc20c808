import { at, firstFrom } from "../charts/search.ts";
import { type Interval, type Series, typed } from "../charts/series.ts";
import type { Aggregates, Equipment } from "./fetching.ts";
import type { Readings } from "./readings.ts";
import type { Shown } from "./shown.ts";

/** With more lines than that their bands would hide each other. */
const MOST_BANDS = 4;
/** Readings further apart than so many expected periods, or usual steps, have a gap between them. */
const PERIODS_OF_GAP = 2;
const STEPS_OF_GAP = 5;
const STEPS_LOOKED_AT = 1000;

/** What is drawn of one piece of equipment; its dashed line of an earlier time, where there is one. */
export interface Line {
  equipmentId: string;
  /** Its own place among the colours. */
  colour: number;
  series: Series;
  compared: Series | null;
}

/** The lines of a view, in its order. */
export function linesOf(shown: Shown, equipment: ReadonlyMap<string, Equipment>): Line[] {
  const buckets = bucketsById(shown.aggregates);
  const { equipmentIds } = shown.view;
  return equipmentIds.map((equipmentId, colour) => {
    const known = equipment.get(equipmentId);
    const about = { label: known?.name ?? equipmentId, unit: known?.unit ?? null, colour };
    const columns = buckets.get(equipmentId) ?? new Buckets(0);
    const readings = shown.readings?.get(equipmentId);
    const withBand = equipmentIds.length <= MOST_BANDS;
    const series = readings
      ? { ...about, ...readingsDrawn(readings, known?.expectedPeriodSeconds ?? null) }
      : { ...about, ...columns.drawn(withBand) };
    const earlier = { ...about, times: columns.times, values: columns.compared, dashed: true };
    const compared = shown.view.compare === null ? null : earlier;
    return { equipmentId, colour, series, compared };
  });
}

/** When the last value is that is shown; the end where there is none. */
export function lastMoment(lines: readonly Line[], { from, to }: Interval): number {
  const last = lines.map(({ series }) => {
    const [times, values] = [typed(series.times), typed(series.values)];
    let index = firstFrom(times, to) - 1;
    while (index > 0 && Number.isNaN(at(values, index))) index--;
    return index < 0 ? Number.NEGATIVE_INFINITY : at(times, index);
  });
  const latest = Math.max(...last);
  return latest >= from ? latest : to;
}

/** How far apart readings are that have a gap between them. */
export function gapSeconds(times: Float64Array, expectedPeriodSeconds: number | null): number {
  if (expectedPeriodSeconds !== null) return PERIODS_OF_GAP * expectedPeriodSeconds;
  const every = Math.ceil(times.length / STEPS_LOOKED_AT);
  const steps: number[] = [];
  for (let index = 1; index < times.length; index += every) {
    steps.push(at(times, index) - at(times, index - 1));
  }
  const median = steps.sort((one, other) => one - other)[Math.floor(steps.length / 2)];
  return STEPS_OF_GAP * (median ?? Number.POSITIVE_INFINITY);
}

function readingsDrawn({ times, values }: Readings, expectedPeriodSeconds: number | null) {
  return { times, values, points: true, longestStep: gapSeconds(times, expectedPeriodSeconds) };
}

/** The buckets of one piece of equipment as columns; NaN where there are no readings. */
class Buckets {
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly minimum: Float64Array;
  readonly maximum: Float64Array;
  readonly compared: Float64Array;
  #count = 0;

  constructor(length: number) {
    this.times = new Float64Array(length);
    this.values = new Float64Array(length);
    this.minimum = new Float64Array(length);
    this.maximum = new Float64Array(length);
    this.compared = new Float64Array(length);
  }

  add(item: Aggregates["items"][number]): void {
    const place = this.#count++;
    this.times[place] = item.intervalStart;
    this.values[place] = item.average ?? Number.NaN;
    this.minimum[place] = item.minimum ?? Number.NaN;
    this.maximum[place] = item.maximum ?? Number.NaN;
    this.compared[place] = item.compared?.average ?? Number.NaN;
  }

  drawn(withBand: boolean) {
    const { times, values, minimum, maximum } = this;
    return withBand ? { times, values, minimum, maximum } : { times, values };
  }
}

function bucketsById({ items }: Aggregates): ReadonlyMap<string, Buckets> {
  const counts = new Map<string, number>();
  for (const { equipmentId = "" } of items) {
    counts.set(equipmentId, (counts.get(equipmentId) ?? 0) + 1);
  }
  const buckets = new Map([...counts].map(([id, count]) => [id, new Buckets(count)]));
  for (const item of items) buckets.get(item.equipmentId ?? "")?.add(item);
  return buckets;
}
