import { type Assessed, compareAttention, needsAttention } from "./attention.ts";

export const SHOWN = ["attention", "silent", "late", "unusual"] as const;
export const COLUMNS = ["name", "value", "seen", "location", "samples"] as const;

/** What may be shown alone. */
export type Shown = (typeof SHOWN)[number];
/** What the table may be sorted by, instead of by what needs attention. */
export type Column = (typeof COLUMNS)[number];

export interface Order {
  column: Column;
  descending: boolean;
}

/** Which equipment the table has, and in which order. */
export interface Selection {
  sought: string;
  shown: Shown | null;
  /** An empty text is of equipment without a location. */
  location: string | null;
  /** Null is by what needs attention. */
  order: Order | null;
}

/** The selection that a link names. */
export function selectionOf(parameters: URLSearchParams): Selection {
  const shown = parameters.get("show");
  return {
    sought: parameters.get("search") ?? "",
    shown: SHOWN.find((each) => each === shown) ?? null,
    location: parameters.get("location"),
    order: orderOf(parameters.get("sort") ?? ""),
  };
}

/** As a link names it, and selectionOf reads it. */
export function selectionParameters(selection: Selection): Record<string, string> {
  const { sought, shown, location, order } = selection;
  return {
    ...(sought !== "" && { search: sought }),
    ...(shown !== null && { show: shown }),
    ...(location !== null && { location }),
    ...(order !== null && { sort: `${order.descending ? "-" : ""}${order.column}` }),
  };
}

/** The next order when the head of a column is pressed: ascending, descending, by attention. */
export function nextOrder(order: Order | null, column: Column): Order | null {
  if (order?.column !== column) return { column, descending: false };
  return order.descending ? null : { column, descending: true };
}

export function isShown(assessed: Assessed, shown: Shown | null): boolean {
  if (shown === null) return true;
  if (shown === "attention") return needsAttention(assessed);
  return shown === "unusual" ? assessed.unusual !== null : assessed.freshness === shown;
}

/** Those whose id, name or location has all words that are sought. */
export function matching(all: readonly Assessed[], sought: string): Assessed[] {
  const words = sought.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  return all.filter((each) => words.every((word) => each.words.includes(word)));
}

/** Those of the selection, in its order; equals stay in the order that they had. */
export function selected(
  all: readonly Assessed[],
  selection: Selection,
  collator: Intl.Collator,
): Assessed[] {
  return matching(all, selection.sought)
    .filter(
      (each) =>
        isShown(each, selection.shown) &&
        (selection.location === null || placeOf(each) === selection.location),
    )
    .sort(comparison(selection.order, collator));
}

/** Every location with the number of its equipment, in the order of the reader's language. */
export function locations(
  all: readonly Assessed[],
  collator: Intl.Collator,
): readonly (readonly [location: string, count: number])[] {
  const counts = new Map<string, number>();
  for (const each of all) counts.set(placeOf(each), (counts.get(placeOf(each)) ?? 0) + 1);
  return [...counts].sort(([one], [other]) => collator.compare(one, other));
}

function placeOf({ equipment }: Assessed): string {
  return equipment.location ?? "";
}

type Comparison = (one: Assessed, other: Assessed) => number;

function comparison(order: Order | null, collator: Intl.Collator): Comparison {
  if (order === null) return compareAttention;
  const compare = byColumn(collator)[order.column];
  return order.descending ? (one, other) => compare(other, one) : compare;
}

function byColumn(collator: Intl.Collator): Record<Column, Comparison> {
  const byText =
    (text: (each: Assessed) => string): Comparison =>
    (one, other) =>
      collator.compare(text(one), text(other));
  return {
    name: byText(({ equipment }) => equipment.name ?? equipment.equipmentId),
    value: (one, other) => one.equipment.lastValue - other.equipment.lastValue,
    seen: (one, other) => one.ageSeconds - other.ageSeconds,
    location: byText(placeOf),
    samples: (one, other) => one.equipment.sampleCount - other.equipment.sampleCount,
  };
}

function orderOf(text: string): Order | null {
  const column = COLUMNS.find((each) => each === text.replace(/^-/, ""));
  return column === undefined ? null : { column, descending: text.startsWith("-") };
}
