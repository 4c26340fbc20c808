import type { Equipment } from "../fetching.ts";
import { parseNumber } from "./numbers.ts";
import { isPossible, type PeriodUnit, periodOf, periodSeconds, periodText } from "./periods.ts";

/** What an administrator says of equipment. */
export const FIELDS = ["name", "unit", "location", "zone", "expectedPeriodSeconds"] as const;
export type Field = (typeof FIELDS)[number];
type Metadata = Pick<Equipment, Field>;

/** What is being entered; the unit is that of a period. */
export interface Draft {
  text: string;
  unit: PeriodUnit;
}

/** What is to be stored, null to take it away; or why it cannot be. */
export type Entered =
  | { value: string | number | null }
  | { problem: "notANumber" | "outOfRange" }
  | { problem: "tooLong"; most: number };

/** As the API accepts them. */
const MOST_CHARACTERS: Partial<Record<Field, number>> = { name: 200, unit: 50, location: 500 };

export function draftOf(metadata: Metadata, field: Field, formatting: string): Draft {
  if (field !== "expectedPeriodSeconds") return { text: metadata[field] ?? "", unit: "minute" };
  const seconds = metadata.expectedPeriodSeconds;
  if (seconds === null) return { text: "", unit: "minute" };
  const { amount, unit } = periodOf(seconds);
  const options = { useGrouping: false, maximumFractionDigits: 20 };
  return { text: amount.toLocaleString(formatting, options), unit };
}

/** Blank takes away what is stored. */
export function enteredIn(
  draft: Draft,
  field: Field,
  formatting: string,
  zones: readonly string[],
): Entered {
  const text = draft.text.trim();
  if (text === "") return { value: null };
  if (field === "expectedPeriodSeconds") return enteredPeriod({ ...draft, text }, formatting);
  const most = MOST_CHARACTERS[field];
  if (most !== undefined && [...text].length > most) return { problem: "tooLong", most };
  return { value: field === "zone" ? zoneNamed(text, zones) : text };
}

/** As it is read: a period in words, all else as it is; null where nothing is stored. */
export function metadataText(metadata: Metadata, field: Field, formatting: string): string | null {
  if (field !== "expectedPeriodSeconds") return metadata[field];
  const seconds = metadata.expectedPeriodSeconds;
  return seconds === null ? null : periodText(seconds, formatting);
}

function enteredPeriod({ text, unit }: Draft, formatting: string): Entered {
  const amount = parseNumber(text, formatting);
  if (amount === null) return { problem: "notANumber" };
  const period = { amount, unit };
  return isPossible(period) ? { value: periodSeconds(period) } : { problem: "outOfRange" };
}

/** However its letters are written; what this browser does not know, the API may. */
function zoneNamed(text: string, zones: readonly string[]): string {
  const lower = text.toLowerCase();
  return zones.find((zone) => zone.toLowerCase() === lower) ?? text;
}
