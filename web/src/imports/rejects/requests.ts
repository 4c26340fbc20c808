import { call, whileSignedIn } from "../../api/client.ts";
import type { Import } from "../imports.ts";
import { postForm } from "../post.ts";
import { MAX_BYTES, MAX_ROWS, parseRejects, type RejectList } from "./rejects.ts";

/** The rejected rows of an import, as many as fit into MAX_BYTES. */
export async function rejectsOf(importId: string, signal: AbortSignal): Promise<RejectList> {
  const params = { path: { import_id: importId } };
  const body = await call((api) =>
    api.GET("/imports/{import_id}/rejects", { params, signal, parseAs: "stream" }),
  );
  const { text, isWhole } = await readText(body as ReadableStream<Uint8Array>);
  const rejects = await parseRejects(text, isWhole);
  return {
    rejects: rejects.slice(0, MAX_ROWS),
    isWhole: isWhole && rejects.length <= MAX_ROWS,
  };
}

async function readText(
  body: ReadableStream<Uint8Array>,
): Promise<{ text: string; isWhole: boolean }> {
  const [decoder, reader] = [new TextDecoder(), body.getReader()];
  let [text, bytes] = ["", 0];
  for (let part = await reader.read(); part.value; part = await reader.read()) {
    text += decoder.decode(part.value, { stream: true });
    bytes += part.value.byteLength;
    if (bytes > MAX_BYTES) {
      await reader.cancel();
      return { text, isWhole: false };
    }
  }
  return { text, isWhole: true };
}

export type Dialect = "plain" | "spreadsheet";

/** The import, queued to load the corrected rows. Throws ApiError. */
export function sendRejects(importId: string, list: File, dialect: Dialect): Promise<Import> {
  const form = new FormData();
  form.set("file", list);
  const path = `/imports/${importId}/rejects?csvDialect=${dialect}`;
  return whileSignedIn(() => postForm<Import>(path, form));
}

export function downloadLink(importId: string, dialect: Dialect): string {
  return `/imports/${importId}/rejects?csvDialect=${dialect}`;
}
