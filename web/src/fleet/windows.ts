import type { Query } from "../api/client.ts";

type Aggregated = Query<"/sensor-data/aggregated">;
export type Window = NonNullable<Aggregated["interval"]>;

export const WINDOWS: readonly Window[] = ["24h", "48h", "1w", "1m"];

/** The window that a link names, else the first. */
export function windowOf(search: string): Window {
  const named = new URLSearchParams(search).get("window");
  return WINDOWS.find((window) => window === named) ?? "24h";
}

/** The whole fleet in a window, beside the one before it: totals and average, hardly any buckets. */
export function summaryQuery(interval: Window): Aggregated {
  return { interval, groupBy: "all", compare: "previous", limit: 1 };
}
