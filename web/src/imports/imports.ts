import type { Schema } from "../api/client.ts";

export type Import = Schema<"Import">;
export type ImportState = Schema<"ImportState">;

const FINAL: readonly ImportState[] = ["done", "failed", "cancelled"];
const CANCELLABLE: readonly ImportState[] = ["awaiting_upload", "queued", "loading"];

export function isFinal(item: Import): boolean {
  return FINAL.includes(item.state);
}

export function mayBeCancelled(item: Import): boolean {
  return CANCELLABLE.includes(item.state);
}

/** One whose file never arrived has nothing to go on with. */
export function mayBeRetried(item: Import): boolean {
  return (item.state === "failed" || item.state === "cancelled") && item.uploadedAt !== null;
}

/** Whether rejected rows may come back corrected. */
export function takesRejectsBack(item: Import): boolean {
  return item.state === "done" || (item.state === "failed" && item.error?.code === "no_valid_rows");
}

/** The name, or where none is known the subject; a dash until the file has arrived. */
export function senderOf(item: Import): string {
  return item.createdByName ?? item.createdBy ?? "–";
}

/** What part of the file is loaded, from 0 to 1; null while its size is not known. */
export function loadedPart({ progress, state }: Import): number | null {
  if (state === "aggregating") return 1;
  if (progress.bytesTotal === null || progress.bytesTotal === 0) return null;
  return Math.min(1, progress.bytesDone / progress.bytesTotal);
}

/** Until the file is loaded, at the rate of now. */
export function secondsLeft({ progress, state }: Import, now: number): number | null {
  if (state !== "loading" || progress.estimatedLoadedAt === null) return null;
  return Math.max(0, (Date.parse(progress.estimatedLoadedAt) - now) / 1000);
}

/** What becomes of a row; all of them together are the rows that were read. */
export const FATES = ["inserted", "replaced", "unchanged", "skipped", "rejected"] as const;
export type Fate = (typeof FATES)[number];
