import type { Shown } from "../shown.ts";

/** A request to the API: its path and its parameters in order, as those of a query string. */
export interface ApiRequest {
  path: "/sensor-data" | "/sensor-data/aggregated";
  parameters: readonly (readonly [string, string])[];
}
export type FileFormat = "csv" | "ndjson" | "parquet";

/** What is shown, asked for from moment to moment: it has the same numbers later. */
export function requestOf(shown: Shown): ApiRequest {
  const { view, aggregates, readings } = shown;
  const parameters: [string, string][] = [
    ...view.equipmentIds.map((id): [string, string] => ["equipmentId", id]),
    ["from", aggregates.from],
    ["to", endOf(shown)],
  ];
  if (readings !== null) return { path: "/sensor-data", parameters };
  parameters.push(["resolution", aggregates.resolution]);
  if (aggregates.tz !== undefined) parameters.push(["tz", aggregates.tz]);
  if (view.compare !== null) parameters.push(["compare", view.compare]);
  return { path: "/sensor-data/aggregated", parameters };
}

/** Where what is shown ends: readings that came since the range was fetched lie beyond it. */
export function endOf({ aggregates: { to }, readings }: Shown): string {
  const lasts = [...(readings?.values() ?? [])].map(({ times }) => times.at(-1) ?? 0);
  const last = Math.max(...lasts, 0) * 1000;
  return last < Date.parse(to) ? to : new Date(Math.floor(last) + 1).toISOString();
}

/** The same as a file; its CSV is one for programs, or one that a spreadsheet opens safely. */
export function fileRequestOf(
  { path, parameters }: ApiRequest,
  format: FileFormat,
  forSpreadsheets = false,
): ApiRequest {
  const dialect: [string, string][] = forSpreadsheets ? [["csvDialect", "spreadsheet"]] : [];
  return { path, parameters: [...parameters, ["format", format], ...dialect] };
}

export function addressOf({ path, parameters }: ApiRequest): string {
  return `${path}?${new URLSearchParams(parameters.map(([name, value]) => [name, value]))}`;
}
