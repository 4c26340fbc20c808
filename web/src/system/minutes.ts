import type { Schema } from "../api/client.ts";

export interface Minute {
  start: Date;
  readings: number;
}

const MINUTE = 60_000;
const SHOWN = 60;
const LOWEST_PERCENT = 2;

/** Each of the last sixty minutes, the current one last, as far as it has readings or not. */
export function minutesBefore(
  asOf: string,
  known: readonly Schema<"IngestMinute">[],
): [Minute, ...Minute[]] {
  const current = Math.floor(Date.parse(asOf) / MINUTE) * MINUTE;
  const readings = new Map(known.map((minute) => [Date.parse(minute.start), minute.readings]));
  const minuteAt = (start: number): Minute => ({
    start: new Date(start),
    readings: readings.get(start) ?? 0,
  });
  const first = current - (SHOWN - 1) * MINUTE;
  const later = Array.from({ length: SHOWN - 1 }, (_, index) => first + (index + 1) * MINUTE);
  return [minuteAt(first), ...later.map(minuteAt)];
}

/** Of the largest a hundred; what is not zero can be seen. */
export function heights(minutes: readonly Minute[]): number[] {
  const most = Math.max(1, ...minutes.map((minute) => minute.readings));
  return minutes.map(({ readings }) =>
    readings === 0 ? 0 : Math.max(LOWEST_PERCENT, (100 * readings) / most),
  );
}
