import { numberFormat } from "../i18n/formats.ts";

const UNITS: readonly [string, number][] = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

/** A period as people name it, in the largest unit of which it is at least one. */
export function periodText(seconds: number, locale: string): string {
  const [unit, length] = UNITS.find(([, each]) => seconds >= each) ?? ["millisecond", 0.001];
  const style = { style: "unit", unit, maximumFractionDigits: 1 } as const;
  return numberFormat(locale, style).format(seconds / length);
}
