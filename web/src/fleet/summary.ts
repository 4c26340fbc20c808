import type { Query } from "../api/client.ts";
import { rangeQuery, type TimeRange } from "../time/range.ts";

/** The whole fleet in a range, beside the one before it: totals, average, and every bucket. */
export function summaryQuery(range: TimeRange): Query<"/sensor-data/aggregated"> {
  return {
    ...rangeQuery(range),
    groupBy: "all",
    compare: "previous",
    fill: "null",
    statistics: ["average", "minimum", "maximum", "count"],
    limit: 10_000,
  };
}
