import type { Answer } from "../api/client.ts";

export type Equipment = Answer<"/equipment">["items"][number];
export type Freshness = "fresh" | "late" | "silent" | "unknown";

/** Expected periods without a reading after which equipment is late, and after which silent. */
export const LATE_PERIODS = 2;
export const SILENT_PERIODS = 10;

/** Equipment with what there is to say about it, by the clock of the answer. */
export interface Assessed {
  equipment: Equipment;
  /** Since the last reading. */
  ageSeconds: number;
  freshness: Freshness;
  /** Expected periods since the last reading; null where none is expected. */
  missed: number | null;
  /** On which side the last value lies outside of the usual range. */
  unusual: "above" | "below" | null;
  /** How far outside, in widths of that range. */
  excess: number;
  /** What a search looks through. */
  words: string;
}

/** `now` is the clock of the answer, in milliseconds. */
export function assess(equipment: Equipment, now: number): Assessed {
  const ageSeconds = (now - Date.parse(equipment.lastTimestamp)) / 1000;
  const period = equipment.expectedPeriodSeconds;
  const missed = period === null ? null : ageSeconds / period;
  const { equipmentId, name, location } = equipment;
  return {
    equipment,
    ageSeconds,
    freshness: freshness(missed),
    missed,
    ...besideUsual(equipment),
    words: [equipmentId, name, location].join(" ").toLocaleLowerCase(),
  };
}

/** Silent, late or outside of its usual range. */
export function needsAttention(assessed: Assessed): boolean {
  return rank(assessed) > 0;
}

/**
 * Silent before late before outside of its usual range before the rest: of the first two what has
 * missed the most periods, of the third what is farthest outside. Negative if `one` comes first.
 */
export function compareAttention(one: Assessed, other: Assessed): number {
  const ranks = rank(other) - rank(one);
  if (ranks !== 0) return ranks;
  return rank(one) === UNUSUAL
    ? descending(one.excess, other.excess)
    : descending(one.missed ?? -Infinity, other.missed ?? -Infinity);
}

const [SILENT, LATE, UNUSUAL] = [3, 2, 1];

function rank({ freshness, unusual }: Assessed): number {
  if (freshness === "silent") return SILENT;
  if (freshness === "late") return LATE;
  return unusual === null ? 0 : UNUSUAL;
}

function freshness(missed: number | null): Freshness {
  if (missed === null) return "unknown";
  if (missed > SILENT_PERIODS) return "silent";
  return missed > LATE_PERIODS ? "late" : "fresh";
}

function besideUsual(equipment: Equipment): Pick<Assessed, "unusual" | "excess"> {
  const { lastValue, usualMinimum, usualMaximum } = equipment;
  if (usualMinimum == null || usualMaximum == null) return { unusual: null, excess: 0 };
  const width = usualMaximum - usualMinimum;
  if (lastValue > usualMaximum) {
    return { unusual: "above", excess: (lastValue - usualMaximum) / width };
  }
  if (lastValue < usualMinimum) {
    return { unusual: "below", excess: (usualMinimum - lastValue) / width };
  }
  return { unusual: null, excess: 0 };
}

/** Infinities, which are equal, have no difference. */
function descending(one: number, other: number): number {
  return one === other ? 0 : other - one;
}
