import { ownTimeZone } from "../../time/zones.ts";

/** UTC and the reader's own zone before all others that the browser knows. */
export function timeZones(chosen: string): string[] {
  return [...new Set(["UTC", ownTimeZone(), chosen, ...Intl.supportedValuesOf("timeZone")])];
}
