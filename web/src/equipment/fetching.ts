import { type Answer, call, type Query } from "../api/client.ts";
import { Collector, type ReadingsById } from "./readings.ts";

type AggregatesQuery = Query<"/sensor-data/aggregated">;

export type Aggregates = Omit<Answer<"/sensor-data/aggregated">, "nextCursor">;
export type Equipment = Answer<"/equipment">["items"][number];

const LARGEST_PAGE = 10_000;
const LARGEST_PAGE_OF_EQUIPMENT = 1000;

/** All buckets, page by page. */
export async function fetchAggregates(
  query: AggregatesQuery,
  signal: AbortSignal,
): Promise<Aggregates> {
  const { nextCursor, ...first } = await fetchBuckets(query, signal);
  let cursor = nextCursor;
  while (cursor != null) {
    const next = await fetchBuckets({ ...query, cursor }, signal);
    first.items.push(...next.items);
    cursor = next.nextCursor;
  }
  return first;
}

/** The readings of a range, page by page; null where there are more than `most`. */
export async function fetchReadings(
  range: { equipmentIds: readonly string[]; from: string; to: string },
  most: number,
  signal: AbortSignal,
): Promise<ReadingsById | null> {
  const { equipmentIds, from, to } = range;
  const query = { equipmentId: [...equipmentIds], from, to, limit: LARGEST_PAGE };
  const collector = new Collector(equipmentIds);
  let cursor: string | null | undefined;
  do {
    const page = await fetchPage(cursor ? { ...query, cursor } : query, signal);
    for (const reading of page.items) collector.add(reading);
    if (collector.count > most) return null;
    cursor = page.nextCursor;
  } while (cursor != null);
  return collector.columns();
}

/** What is known of equipment, by its id; what has never sent a reading is not. */
export async function fetchEquipment(
  equipmentIds: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Equipment>> {
  const query = { equipmentId: [...equipmentIds], limit: LARGEST_PAGE_OF_EQUIPMENT };
  const { items } = await call((api) => api.GET("/equipment", { params: { query }, signal }));
  return new Map(items.map((each) => [each.equipmentId, each]));
}

function fetchBuckets(
  query: AggregatesQuery,
  signal: AbortSignal,
): Promise<Answer<"/sensor-data/aggregated">> {
  const params = { query: { ...query, limit: LARGEST_PAGE } };
  return call((api) => api.GET("/sensor-data/aggregated", { params, signal }));
}

function fetchPage(
  query: Query<"/sensor-data">,
  signal: AbortSignal,
): Promise<Answer<"/sensor-data">> {
  return call((api) => api.GET("/sensor-data", { params: { query }, signal }));
}
