import { type Answer, call, type Query } from "../api/client.ts";
import type { TimeRange } from "../time/range.ts";
import { type Assessed, assess } from "./attention.ts";
import { summaryQuery } from "./summary.ts";

export type Aggregates = Answer<"/sensor-data/aggregated">;
type EquipmentPage = Answer<"/equipment">;

/** What the whole fleet did in a range. */
export interface Summary {
  range: TimeRange;
  aggregates: Aggregates;
}

/** All equipment, assessed by the clock of the answer. */
export interface Fleet extends Pick<EquipmentPage, "asOf" | "staleRanges"> {
  items: readonly Assessed[];
}

const LARGEST_PAGE = 1000;

/** Every page of the summary, as of the first. */
export async function fetchSummary(range: TimeRange, signal: AbortSignal): Promise<Summary> {
  const query = summaryQuery(range);
  const aggregates = await aggregatesPage(query, signal);
  let cursor = aggregates.nextCursor;
  while (cursor != null) {
    const next = await aggregatesPage({ ...query, cursor }, signal);
    aggregates.items.push(...next.items);
    cursor = next.nextCursor;
  }
  return { range, aggregates };
}

/** All equipment, page by page; as of the first page, whose stale ranges count too. */
export async function fetchFleet(signal: AbortSignal): Promise<Fleet> {
  const { nextCursor, items, staleRanges, asOf } = await equipmentPage({}, signal);
  let cursor = nextCursor;
  while (cursor !== null) {
    const next = await equipmentPage({ cursor }, signal);
    items.push(...next.items);
    staleRanges.push(...next.staleRanges);
    cursor = next.nextCursor;
  }
  const now = Date.parse(asOf);
  return { items: items.map((each) => assess(each, now)), staleRanges, asOf };
}

function aggregatesPage(
  query: Query<"/sensor-data/aggregated">,
  signal: AbortSignal,
): Promise<Aggregates> {
  return call((api) => api.GET("/sensor-data/aggregated", { params: { query }, signal }));
}

function equipmentPage(query: Query<"/equipment">, signal: AbortSignal): Promise<EquipmentPage> {
  const params = { query: { include: "usualRange" as const, limit: LARGEST_PAGE, ...query } };
  return call((api) => api.GET("/equipment", { params, signal }));
}
