const UNITS = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
] as const;

/** So long, in its largest unit and, below ten of these, the next: 1 hr 5 min, 2 min, 8 sec. */
export function duration(seconds: number, locale: string): string {
  const whole = Math.max(0, Math.round(seconds));
  const found = UNITS.findIndex(([, length]) => whole >= length);
  const [unit, length] = UNITS[found] ?? ["second", 1];
  const count = Math.floor(whole / length);
  const [smaller, smallerLength] = UNITS[found + 1] ?? ["second", 1];
  const rest = Math.floor((whole % length) / smallerLength);
  const large = amount(count, unit, locale);
  return count < 10 && rest > 0 ? `${large} ${amount(rest, smaller, locale)}` : large;
}

function amount(count: number, unit: string, locale: string): string {
  return count.toLocaleString(locale, { style: "unit", unit, unitDisplay: "short" });
}
