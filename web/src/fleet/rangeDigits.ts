const MOST = 6;

/** How many digits tell the ends of a range apart, and a value outside of it from them. */
export function rangeDigits(low: number, high: number): number {
  const largest = Math.max(Math.abs(low), Math.abs(high));
  if (high === low) return MOST;
  const digits = Math.floor(Math.log10(largest)) - Math.floor(Math.log10(high - low)) + 2;
  return Math.min(Math.max(digits, 2), MOST);
}
