/** As api/imports/previews.py has them. */
const WHOLE = /\.(?:zip|xlsx|parquet)$/i;
const MAX_WHOLE_BYTES = 16 * 2 ** 20;
const PART_BYTES = 2 ** 20;

/** What of a file is sent for its preview: its beginning, or all; null: it is too large for that. */
export function sampleOf(file: File): Blob | null {
  if (!WHOLE.test(file.name)) return file.size > PART_BYTES ? file.slice(0, PART_BYTES) : file;
  return file.size > MAX_WHOLE_BYTES ? null : file;
}
