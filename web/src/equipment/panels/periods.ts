export const PERIOD_UNITS = ["second", "minute", "hour", "day"] as const;
export type PeriodUnit = (typeof PERIOD_UNITS)[number];

export interface Period {
  amount: number;
  unit: PeriodUnit;
}

const SECONDS: Record<PeriodUnit, number> = { second: 1, minute: 60, hour: 3600, day: 86_400 };
/** As the API accepts them. */
export const SHORTEST_PERIOD_SECONDS = 0.001;
export const LONGEST_PERIOD_SECONDS = 366 * SECONDS.day;

/** In the largest unit of which it is a whole number; else in seconds. */
export function periodOf(seconds: number): Period {
  const unit = PERIOD_UNITS.findLast((each) => Number.isInteger(seconds / SECONDS[each]));
  return { amount: seconds / SECONDS[unit ?? "second"], unit: unit ?? "second" };
}

export function periodSeconds({ amount, unit }: Period): number {
  return amount * SECONDS[unit];
}

export function isPossible(period: Period): boolean {
  const seconds = periodSeconds(period);
  return seconds >= SHORTEST_PERIOD_SECONDS && seconds <= LONGEST_PERIOD_SECONDS;
}

/** As in "5 minutes". */
export function periodText(seconds: number, formatting: string): string {
  const { amount, unit } = periodOf(seconds);
  const options = { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 6 } as const;
  return amount.toLocaleString(formatting, options);
}

/** The unit as it stands behind so many. */
export function unitText(unit: PeriodUnit, amount: number, formatting: string): string {
  const parts = new Intl.NumberFormat(formatting, {
    style: "unit",
    unit,
    unitDisplay: "long",
  }).formatToParts(amount);
  return parts.find(({ type }) => type === "unit")?.value ?? unit;
}
