import { call, type Schema } from "../../api/client.ts";
import { formOf, type Options } from "./options.ts";

export type Preview = Schema<"Preview">;

/** The preview with the options, or with those that are found. Throws ApiError or AbortError. */
export function previewOf(
  file: File,
  sample: Blob,
  options: Options | null,
  signal: AbortSignal,
): Promise<Preview> {
  const form = new FormData();
  const fields = options === null ? {} : formOf(options);
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  form.set("detect", String(options === null));
  form.set("sizeBytes", String(file.size));
  form.set("file", sample, file.name);
  return call((api) =>
    api.POST("/imports/preview", {
      // The description of a form has a text for the file.
      body: form as never,
      bodySerializer: () => form,
      signal,
    }),
  );
}
