import type { Options } from "./options.ts";
import type { Preview } from "./request.ts";

const USUAL = ["iso8601", "epoch_s", "epoch_ms", "epoch_us", "epoch_ns"];
const PATTERNS = ["%d.%m.%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p"];

/** The choice of a pattern that is in no list. */
export const OTHER = "other";

/** A date and an hour at least: as much as the server demands. */
export const PATTERN = /(?=.*%[Yy])(?=.*%[mbB])(?=.*%d)(?=.*%[HI])/;

/** The time formats to choose from: the usual ones, and those that fit the file. */
export function formats({ timeFormat }: Options, found: Preview | null): string[] {
  const fitting = (found?.proposals ?? []).map(({ options }) => options.timeFormat);
  const suggested = (found?.rejects ?? []).flatMap(({ remedies }) =>
    remedies.flatMap(({ option, value }) => (option === "timeFormat" ? [String(value)] : [])),
  );
  const patterns = [...fitting, ...suggested, ...PATTERNS, timeFormat];
  return [...new Set([...USUAL, ...patterns])];
}
