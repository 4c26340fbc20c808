import type { SystemTexts } from "./messages.ts";

const TITLES: Record<
  string,
  | "ingest"
  | "queue"
  | "rollups"
  | "staleRanges"
  | "workers"
  | "audits"
  | "failures"
  | "policies"
  | "database"
> = {
  ingest: "ingest",
  queue: "queue",
  rollups: "rollups",
  staleRanges: "staleRanges",
  workers: "workers",
  audits: "audits",
  failedImports: "failures",
  policies: "policies",
  database: "database",
  storage: "database",
};

/** What the page calls a part of GET /system. */
export function partTitle(name: string, text: SystemTexts): string {
  const title = TITLES[name];
  return title === undefined ? name : text[title];
}
