import type { Interval } from "./series.ts";

/** As far to the right, or with a negative number to the left, as a part of its length. */
export function shifted({ from, to }: Interval, part: number): Interval {
  const by = (to - from) * part;
  return { from: from + by, to: to + by };
}

/** So many times as long, about a moment that stays where it is. */
export function widened({ from, to }: Interval, factor: number, about = (from + to) / 2): Interval {
  return { from: about - (about - from) * factor, to: about + (to - about) * factor };
}
