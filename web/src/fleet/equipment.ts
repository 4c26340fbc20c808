import { type Answer, call, type Query } from "../api/client.ts";

export type EquipmentList = Omit<Answer<"/equipment">, "nextCursor">;

const LARGEST_PAGE = 1000;

/** All equipment, page by page; as of the first page, whose stale ranges count too. */
export async function allEquipment(signal: AbortSignal): Promise<EquipmentList> {
  const { nextCursor, ...list } = await page({}, signal);
  let cursor = nextCursor;
  while (cursor !== null) {
    const next = await page({ cursor }, signal);
    list.items.push(...next.items);
    list.staleRanges.push(...next.staleRanges);
    cursor = next.nextCursor;
  }
  return list;
}

function page(query: Query<"/equipment">, signal: AbortSignal): Promise<Answer<"/equipment">> {
  const params = { query: { limit: LARGEST_PAGE, ...query } };
  return call((api) => api.GET("/equipment", { params, signal }));
}
