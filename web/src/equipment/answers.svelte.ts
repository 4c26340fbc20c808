import { Resource } from "../api/resource.svelte.ts";
import { type Equipment, fetchAggregates, fetchEquipment, fetchReadings } from "./fetching.ts";
import { type Reading, withReading } from "./readings.ts";
import { aggregatesQuery, mostReadings, type Shown } from "./shown.ts";
import type { View } from "./view.ts";

/** The answers that the page is made of. */
export class Answers {
  readonly shown = new Resource<Shown>();
  /** What is known of the equipment of the view, by id; what has never sent a reading is not. */
  readonly equipment = new Resource<ReadonlyMap<string, Equipment>>();

  load(view: View): Promise<void> {
    return this.shown.load((signal) => fetchShown(view, signal));
  }

  loadEquipment(equipmentIds: readonly string[]): Promise<void> {
    return this.equipment.load((signal) => fetchEquipment(equipmentIds, signal));
  }

  /** Show a reading that has just come, if each is shown. */
  add(reading: Reading): void {
    const { value } = this.shown;
    if (!value?.readings) return;
    this.shown.value = { ...value, readings: withReading(value.readings, reading) };
  }
}

async function fetchShown(view: View, signal: AbortSignal): Promise<Shown> {
  const aggregates = await fetchAggregates(aggregatesQuery(view), signal);
  const { from, to } = aggregates;
  const interval = { from: Date.parse(from) / 1000, to: Date.parse(to) / 1000 };
  const most = mostReadings(view, aggregates, interval);
  const range = { equipmentIds: view.equipmentIds, from, to };
  const readings = most > 0 ? await fetchReadings(range, most, signal) : null;
  const tooMany = view.resolution === "raw" && readings === null;
  return { view, interval, aggregates, readings, tooMany };
}
