import { at, firstFrom } from "../charts/search.ts";
import { type Interval, type Series, typed } from "../charts/series.ts";
import type { Aggregates, Equipment } from "./fetching.ts";
import type { Readings } from "./readings.ts";
import { WIDTHS } from "./resolutions.ts";
import type { Shown } from "./shown.ts";

/** With more lines than that their bands would hide each other. */
const MOST_BANDS = 4;
/** Readings further apart than so many expected periods, or usual steps, have a gap between them. */
const PERIODS_OF_GAP = 2;
const STEPS_OF_GAP = 5;
const FEWEST_STEPS = 3;
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
  const width = WIDTHS[shown.aggregates.resolution].seconds;
  const { equipmentIds } = shown.view;
  const hasBands = equipmentIds.length <= MOST_BANDS;
  return equipmentIds.map((equipmentId, colour) => {
    const known = equipment.get(equipmentId);
    const about = { label: known?.name ?? equipmentId, unit: known?.unit ?? null, colour };
    const columns = buckets.get(equipmentId) ?? NO_BUCKETS;
    const readings = shown.readings?.get(equipmentId);
    const period = known?.expectedPeriodSeconds ?? null;
    const drawn = readings ? readingsDrawn(readings, period) : bucketsDrawn(columns, period, width);
    const { minimum, maximum, ...line } = { ...about, ...drawn };
    const series = hasBands && minimum && maximum ? { ...line, minimum, maximum } : line;
    const { times, compared: values } = columns;
    const compared = shown.view.compare && { ...about, times, values, dashed: true };
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
export function gapSeconds(times: Float64Array, periodSeconds: number | null): number {
  if (periodSeconds !== null) return PERIODS_OF_GAP * periodSeconds;
  const step = medianStep(times);
  return Number.isNaN(step) ? Number.POSITIVE_INFINITY : STEPS_OF_GAP * step;
}

/** From one of the times to the next, usually; NaN where there are too few to tell. */
function medianStep(times: Float64Array): number {
  const every = Math.ceil(times.length / STEPS_LOOKED_AT);
  const steps: number[] = [];
  for (let index = 1; index < times.length; index += every) {
    steps.push(at(times, index) - at(times, index - 1));
  }
  if (steps.length < FEWEST_STEPS) return Number.NaN;
  const sorted = Float64Array.from(steps).sort();
  return at(sorted, (sorted.length - 1) >> 1);
}

type Drawn = Pick<Series, "times" | "values" | "minimum" | "maximum" | "longestStep" | "points">;

function readingsDrawn({ times, values }: Readings, periodSeconds: number | null): Drawn {
  return { times, values, points: true, longestStep: gapSeconds(times, periodSeconds) };
}

/** A bucket without readings is a gap, unless equipment sends less often than buckets begin. */
function bucketsDrawn(buckets: Columns, periodSeconds: number | null, width: number): Drawn {
  const filled = buckets.values.map((value, place) => (Number.isNaN(value) ? Number.NaN : place));
  const places = filled.filter((place) => !Number.isNaN(place));
  const pick = (column: Float64Array) => Float64Array.from(places, (place) => at(column, place));
  const times = pick(buckets.times);
  const step = periodSeconds ?? medianStep(times);
  if (!(step > width)) return buckets;
  return {
    times,
    values: pick(buckets.values),
    minimum: pick(buckets.minimum),
    maximum: pick(buckets.maximum),
    longestStep: PERIODS_OF_GAP * step + width,
  };
}

/** The buckets of one piece of equipment; NaN where there are no readings. */
interface Columns {
  times: Float64Array;
  values: Float64Array;
  minimum: Float64Array;
  maximum: Float64Array;
  compared: Float64Array;
}
const NO_BUCKETS = columnsOf([]);

function columnsOf(items: Aggregates["items"]): Columns {
  const column = (read: (item: Aggregates["items"][number]) => number | null | undefined) =>
    Float64Array.from(items, (item) => read(item) ?? Number.NaN);
  return {
    times: column((item) => item.intervalStart),
    values: column((item) => item.average),
    minimum: column((item) => item.minimum),
    maximum: column((item) => item.maximum),
    compared: column((item) => item.compared?.average),
  };
}

function bucketsById({ items }: Aggregates): ReadonlyMap<string, Columns> {
  const byId = new Map<string, Aggregates["items"]>();
  for (const item of items) {
    const id = item.equipmentId ?? "";
    const others = byId.get(id);
    if (others) others.push(item);
    else byId.set(id, [item]);
  }
  return new Map([...byId].map(([id, own]) => [id, columnsOf(own)]));
}
