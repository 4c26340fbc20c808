import { type Answer, get } from "../api/client.ts";

export type EquipmentList = Omit<Answer<"/equipment">, "nextCursor">;

const LARGEST_PAGE = 1000;

/** All equipment, page by page; as of the first page, whose stale ranges count too. */
export async function allEquipment(signal: AbortSignal): Promise<EquipmentList> {
  const { nextCursor, ...list } = await get("/equipment", { limit: LARGEST_PAGE }, signal);
  let cursor = nextCursor;
  while (cursor !== null) {
    const page = await get("/equipment", { limit: LARGEST_PAGE, cursor }, signal);
    list.items.push(...page.items);
    list.staleRanges.push(...page.staleRanges);
    cursor = page.nextCursor;
  }
  return list;
}
