import type { Answer } from "../api/client.ts";

export type Equipment = Answer<"/equipment">["items"][number];
export type Freshness = "fresh" | "late" | "silent" | "unknown";

/** Expected periods without a reading after which equipment is late, and after which silent. */
export const LATE_PERIODS = 2;
export const SILENT_PERIODS = 10;

/** Seconds since the last reading, by the clock of the answer. */
export function ageSeconds(equipment: Equipment, asOf: string): number {
  return (Date.parse(asOf) - Date.parse(equipment.lastTimestamp)) / 1000;
}

export function freshness(equipment: Equipment, asOf: string): Freshness {
  const periods = periodsWithout(equipment, asOf);
  if (periods === null) return "unknown";
  if (periods > SILENT_PERIODS) return "silent";
  return periods > LATE_PERIODS ? "late" : "fresh";
}

/** What has missed the most of its periods first; what nothing is expected of last, by its id. */
export function byAttention(equipment: readonly Equipment[], asOf: string): Equipment[] {
  const missed = new Map(equipment.map((each) => [each, periodsWithout(each, asOf) ?? -Infinity]));
  return equipment.toSorted((one, other) => {
    const [first, second] = [missed.get(one) ?? 0, missed.get(other) ?? 0];
    return first === second ? 0 : second - first;
  });
}

/** Those whose id, name or location contains the words that are looked for. */
export function matching(equipment: readonly Equipment[], sought: string): Equipment[] {
  const words = sought.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  return equipment.filter(({ equipmentId, name, location }) => {
    const text = [equipmentId, name, location].join(" ").toLocaleLowerCase();
    return words.every((word) => text.includes(word));
  });
}

function periodsWithout(equipment: Equipment, asOf: string): number | null {
  const period = equipment.expectedPeriodSeconds;
  return period === null ? null : ageSeconds(equipment, asOf) / period;
}
