import type { Resolution, View } from "./view.ts";

type Width = Exclude<Resolution, "auto">;

const DAY = 86_400;

/** In seconds; over a range of at most so many the API answers with buckets of that width. */
export const WIDTHS: Record<Width, { seconds: number; longestRange: number }> = {
  "1m": { seconds: 60, longestRange: DAY },
  "5m": { seconds: 300, longestRange: 7 * DAY },
  "15m": { seconds: 900, longestRange: 31 * DAY },
  "1h": { seconds: 3600, longestRange: 366 * DAY },
  "1d": { seconds: DAY, longestRange: 36_600 * DAY },
};
/** Up to which `auto` picks finer buckets than hours: those are the same in every zone. */
const LONGEST_FINE_RANGE = 3 * DAY;

export function isAllowed(resolution: View["resolution"], seconds: number): boolean {
  if (resolution === "auto" || resolution === "raw") return true;
  return seconds <= WIDTHS[resolution].longestRange;
}

/** Whether the buckets of a range are hours or days, which begin as in a time zone. */
export function beginsInZone(resolution: View["resolution"], seconds: number): boolean {
  if (resolution === "1h" || resolution === "1d") return true;
  return (resolution === "auto" || resolution === "raw") && seconds > LONGEST_FINE_RANGE;
}
