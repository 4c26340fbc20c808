import type { Query } from "../api/client.ts";
import { rangeOf, rangeParameters, type TimeRange } from "../time/range.ts";
import { isTimeZone } from "../time/zones.ts";

type Aggregated = Query<"/sensor-data/aggregated">;
export type Resolution = NonNullable<Aggregated["resolution"]>;
export type Compared = NonNullable<Aggregated["compare"]>;

export const RESOLUTIONS: readonly Resolution[] = ["auto", "1m", "5m", "15m", "1h", "1d"];
export const COMPARED: readonly Compared[] = ["previous", "1w", "1y"];

/** What the page of equipment shows, whole: the same link shows the same again. */
export interface View {
  /** The equipment of the page, and others that are drawn with it. */
  equipmentIds: readonly string[];
  range: TimeRange;
  /** The width of the buckets, or every stored reading. */
  resolution: Resolution | "raw";
  /** IANA; in it days begin and times are written. */
  timeZone: string;
  compare: Compared | null;
}

/** The view that a link names, of the page of a piece of equipment. */
export function viewOf(equipmentId: string, parameters: URLSearchParams, ownZone: string): View {
  const zone = parameters.get("tz");
  const resolution = parameters.get("resolution");
  const compare = parameters.get("compare");
  return {
    equipmentIds: [...new Set([equipmentId, ...parameters.getAll("with")])],
    range: rangeOf(parameters),
    resolution:
      resolution === "raw" ? "raw" : (RESOLUTIONS.find((each) => each === resolution) ?? "auto"),
    timeZone: zone !== null && isTimeZone(zone) ? zone : ownZone,
    compare: COMPARED.find((each) => each === compare) ?? null,
  };
}

/** The link that shows a view. */
export function linkOf(view: View): string {
  const [equipmentId = "", ...others] = view.equipmentIds;
  const parameters = new URLSearchParams(rangeParameters(view.range));
  for (const other of others) parameters.append("with", other);
  if (view.resolution !== "auto") parameters.set("resolution", view.resolution);
  parameters.set("tz", view.timeZone);
  if (view.compare !== null) parameters.set("compare", view.compare);
  return `/ui/equipment/${encodeURIComponent(equipmentId)}?${parameters}`;
}
