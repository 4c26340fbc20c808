import type { Query } from "../api/client.ts";

type Aggregated = Query<"/sensor-data/aggregated">;
export type Window = NonNullable<Aggregated["interval"]>;

export const WINDOWS: readonly Window[] = ["24h", "48h", "1w", "1m"];
export const WINDOW_HOURS: Record<Window, number> = { "24h": 24, "48h": 48, "1w": 168, "1m": 720 };

/** The longest range that the API answers, by days. */
export const LONGEST_DAYS = 36_600;
const LONGEST_MILLISECONDS = LONGEST_DAYS * 86_400_000;

/** A window that ends now, or a range from a moment on and before another. */
export type TimeRange = { window: Window } | { from: Date; to: Date };

/** The range that a link names; the first window where it names none that can be. */
export function rangeOf(parameters: URLSearchParams): TimeRange {
  const [from, to] = [momentOf(parameters.get("from")), momentOf(parameters.get("to"))];
  if (from !== null && to !== null && from < to) return { from, to };
  const named = parameters.get("window");
  return { window: WINDOWS.find((window) => window === named) ?? "24h" };
}

/** As a link names it, and rangeOf reads it. */
export function rangeParameters(range: TimeRange): Record<string, string> {
  if ("window" in range) return { window: range.window };
  return { from: range.from.toISOString(), to: range.to.toISOString() };
}

/** From when to when it reaches, by the reader's clock. */
export function endsOf(range: TimeRange, now: Date): { from: Date; to: Date } {
  if (!("window" in range)) return range;
  const milliseconds = WINDOW_HOURS[range.window] * 3_600_000;
  return { from: new Date(now.getTime() - milliseconds), to: now };
}

/** As GET /sensor-data/aggregated takes it. */
export function rangeQuery(range: TimeRange): Pick<Aggregated, "interval" | "from" | "to"> {
  if ("window" in range) return { interval: range.window };
  return { from: range.from.toISOString(), to: range.to.toISOString() };
}

/** What is wrong with a range that somebody enters. */
export type RangeProblem = "missing" | "reversed" | "tooLong";

export function rangeProblem(from: Date | null, to: Date | null): RangeProblem | null {
  if (from === null || to === null) return "missing";
  if (from >= to) return "reversed";
  return to.getTime() - from.getTime() > LONGEST_MILLISECONDS ? "tooLong" : null;
}

function momentOf(text: string | null): Date | null {
  const moment = new Date(text ?? Number.NaN);
  return Number.isNaN(moment.getTime()) ? null : moment;
}
