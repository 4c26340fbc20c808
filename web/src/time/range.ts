import type { Query } from "../api/client.ts";

type Aggregated = Query<"/sensor-data/aggregated">;
export type Window = NonNullable<Aggregated["interval"]>;

export const WINDOWS: readonly Window[] = ["24h", "48h", "1w", "1m"];
export const WINDOW_HOURS: Record<Window, number> = { "24h": 24, "48h": 48, "1w": 168, "1m": 720 };

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

/** As GET /sensor-data/aggregated takes it. */
export function rangeQuery(range: TimeRange): Pick<Aggregated, "interval" | "from" | "to"> {
  if ("window" in range) return { interval: range.window };
  return { from: range.from.toISOString(), to: range.to.toISOString() };
}

function momentOf(text: string | null): Date | null {
  const moment = new Date(text ?? Number.NaN);
  return Number.isNaN(moment.getTime()) ? null : moment;
}
