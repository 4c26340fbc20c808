const DELAYS_SECONDS = [1, 2, 4, 8];
const LONGEST_SECONDS = 15;

/** How long to wait after so many failed attempts: ever longer, and no less than was asked for. */
export function delaySeconds(failures: number, retryAfterSeconds: number | null): number {
  const delay = DELAYS_SECONDS[failures] ?? LONGEST_SECONDS;
  return Math.min(Math.max(delay, retryAfterSeconds ?? 0), LONGEST_SECONDS);
}
