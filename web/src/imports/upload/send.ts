import type { Schema } from "../../api/client.ts";
import { postForm, type Sending } from "../post.ts";

/** What the fields of an upload's form say beside its file. */
export type Options = Readonly<Record<string, string>>;

/**
 * Send a file and the options of its import. Throws ApiError, or AbortError by the signal.
 *
 * In a form to the server itself, however large: an `uploadUrl` may be that of a bucket, of another
 * origin, which the page's policy forbids and the bucket would have to allow.
 */
export function sendFile(
  file: File,
  options: Options,
  sending: Sending,
): Promise<Schema<"Uploaded">> {
  const form = new FormData();
  // Before the file: a mistake in them is then reported before it is sent.
  for (const [name, value] of Object.entries(options)) form.set(name, value);
  form.set("file", file);
  return postForm("/sensor-data/upload-csv", form, sending);
}
