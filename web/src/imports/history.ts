import { type Answer, call, type Query } from "../api/client.ts";

export type ImportPage = Answer<"/imports">;

const PAGE_SIZE = 25;

/** Imports, newest first, behind the cursor. */
export function importPage(cursor: string | null, signal: AbortSignal): Promise<ImportPage> {
  const query: Query<"/imports"> = { limit: PAGE_SIZE, ...(cursor !== null && { cursor }) };
  return call((api) => api.GET("/imports", { params: { query }, signal }));
}
