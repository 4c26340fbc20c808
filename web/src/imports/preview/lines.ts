import type { Schema } from "../../api/client.ts";
import type { Preview } from "./request.ts";
import type { Role } from "./roles.ts";

type Line = Schema<"PreviewedLine">;
type RowOutcome = Schema<"RowOutcome">;

export function isWide(preview: Preview): boolean {
  return preview.options.layout === "wide";
}

/** The name of the column that an outcome blames, or undefined. */
export function faultyColumn(
  outcome: RowOutcome,
  roles: readonly Role[],
  columns: readonly string[],
  wide: boolean,
): string | undefined {
  if (wide) return outcome.column;
  const position = roles.indexOf(outcome.column as Role);
  return position < 0 ? undefined : columns[position];
}

export function readingsIn(line: Line): number {
  return line.outcomes.filter(({ outcome }) => outcome === "reading").length;
}

/** The timestamp that the readings of a line share. */
export function timeOf(line: Line): string | null {
  return line.outcomes.find(({ timestamp }) => timestamp)?.timestamp ?? null;
}
