import { call, type Schema } from "../api/client.ts";
import { SAMPLE_SENSORS, sampleCsv } from "./sample.ts";

type Import = Schema<"Import">;

const FINAL: ReadonlySet<Import["state"]> = new Set(["done", "failed", "cancelled"]);
const WAIT_SECONDS = 10;

/** Import the sample as anybody would import a file; calls back while it waits. Throws ApiError. */
export async function loadSample(now: Date, report: (sample: Import) => void): Promise<Import> {
  const { importId } = await upload(sampleCsv(now));
  let sample = await visible(importId);
  while (!FINAL.has(sample.state)) {
    report(sample);
    sample = await visible(importId);
  }
  return sample;
}

/** Give the sample's sensors their names and units, which needs the scope admin. Throws ApiError. */
export async function describeSample(): Promise<void> {
  for (const { equipmentId, ...body } of SAMPLE_SENSORS) {
    const params = { path: { equipment_id: equipmentId } };
    await call((api) => api.PATCH("/equipment/{equipment_id}", { params, body }));
  }
}

function upload(csv: string): Promise<Schema<"Uploaded">> {
  const form = new FormData();
  form.append("file", new Blob([csv], { type: "text/csv" }), "sample.csv");
  // The schema has a file as a text.
  const body = { file: csv };
  return call((api) => api.POST("/sensor-data/upload-csv", { body, bodySerializer: () => form }));
}

/** The import once its rows are visible, or as far as it is after a while. */
function visible(importId: string): Promise<Import> {
  const query = { wait: "visible" as const, timeout: WAIT_SECONDS };
  const params = { path: { import_id: importId }, query };
  return call((api) => api.GET("/imports/{import_id}", { params }));
}
