import { relativeTimeFormat } from "./formats.ts";

const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

/** So long ago, in the largest unit of which it is at least one. */
export function relativeTime(seconds: number, locale: string): string {
  const format = relativeTimeFormat(locale);
  const [unit, length] = UNITS.find(([, each]) => seconds >= each) ?? ["second", 1];
  return format.format(-Math.max(0, Math.floor(seconds / length)), unit);
}
