import type { Interval } from "./series.ts";

/** The index of the first of ascending times that is not before a moment; their number if all are. */
export function firstFrom(times: Float64Array, moment: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] as number) < moment) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The index of the time next to a moment, or null where there is none. */
export function nearest(times: Float64Array, moment: number): number | null {
  if (times.length === 0) return null;
  const after = Math.min(firstFrom(times, moment), times.length - 1);
  const before = Math.max(0, after - 1);
  return moment - at(times, before) < at(times, after) - moment ? before : after;
}

/** The indices of what is seen of times, and of one more on each side: lines go on beyond the edge. */
export function seen(times: Float64Array, { from, to }: Interval): [first: number, end: number] {
  const first = Math.max(0, firstFrom(times, from) - 1);
  return [first, Math.min(times.length, firstFrom(times, to) + 1)];
}

/** A number that there is: the index is within the column. */
export function at(column: Float64Array, index: number): number {
  return column[index] as number;
}

/** A key that moves the crosshair. */
type Step = { kind: "step"; by: number } | { kind: "edge"; edge: "first" | "last" };

/** The moment to which a key moves the crosshair: a time of the first line that has one shown. */
export function momentAfter(
  lines: readonly { times: Float64Array }[],
  shown: Interval,
  moment: number | null,
  step: Step,
): number | null {
  for (const { times } of lines) {
    const [first, end] = [firstFrom(times, shown.from), firstFrom(times, shown.to)];
    if (first === end) continue;
    const index = stepped(times, [first, end - 1], moment, step);
    return at(times, index);
  }
  return null;
}

function stepped(
  times: Float64Array,
  [first, last]: [number, number],
  moment: number | null,
  step: Step,
): number {
  if (step.kind === "edge") return step.edge === "first" ? first : last;
  // Without a crosshair the newest is the first to be looked at.
  if (moment === null) return last;
  const index = (nearest(times, moment) ?? last) + step.by;
  return Math.max(first, Math.min(last, index));
}
