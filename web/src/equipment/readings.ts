import type { Schema } from "../api/client.ts";
import { at, firstFrom } from "../charts/search.ts";

/** What is stored of a piece of equipment, in order of time. */
export interface Readings {
  /** In Unix seconds, with microseconds as far as a double has them. */
  times: Float64Array;
  values: Float64Array;
}
export type ReadingsById = ReadonlyMap<string, Readings>;

export type Reading = Pick<Schema<"StoredReading">, "equipmentId" | "timestamp" | "value">;

/** Takes readings in order of time apart by their equipment. */
export class Collector {
  readonly #lists: ReadonlyMap<string, { times: number[]; values: number[] }>;
  count = 0;

  constructor(equipmentIds: readonly string[]) {
    this.#lists = new Map(equipmentIds.map((id) => [id, { times: [], values: [] }]));
  }

  add({ equipmentId, timestamp, value }: Reading): void {
    const lists = this.#lists.get(equipmentId);
    lists?.times.push(secondsOf(timestamp));
    lists?.values.push(value);
    this.count++;
  }

  columns(): ReadingsById {
    const typed = ({ times, values }: { times: number[]; values: number[] }): Readings => ({
      times: Float64Array.from(times),
      values: Float64Array.from(values),
    });
    return new Map([...this.#lists].map(([id, lists]) => [id, typed(lists)]));
  }
}

/** The readings with one more, or with another value of one; the same if they are not of its equipment. */
export function withReading(readings: ReadingsById, reading: Reading): ReadingsById {
  const before = readings.get(reading.equipmentId);
  if (before === undefined) return readings;
  return new Map(readings).set(reading.equipmentId, inserted(before, reading));
}

/** From the API's text, which is in UTC; Date.parse would drop the microseconds. */
export function secondsOf(timestamp: string): number {
  const whole = timestamp.slice(0, 19);
  return Date.parse(`${whole}Z`) / 1000 + Number(`0${timestamp.slice(19).replace("Z", "")}`);
}

function inserted({ times, values }: Readings, { timestamp, value }: Reading): Readings {
  const time = secondsOf(timestamp);
  const place = firstFrom(times, time);
  const replaces = place < times.length && at(times, place) === time;
  if (replaces) return { times, values: values.with(place, value) };
  return { times: withAt(times, place, time), values: withAt(values, place, value) };
}

function withAt(column: Float64Array, place: number, value: number): Float64Array {
  const longer = new Float64Array(column.length + 1);
  longer.set(column.subarray(0, place));
  longer[place] = value;
  longer.set(column.subarray(place), place + 1);
  return longer;
}
