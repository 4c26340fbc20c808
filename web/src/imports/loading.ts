import { duration } from "../i18n/duration.ts";
import { locale } from "../i18n/locale.svelte.ts";
import { type Import, loadedPart, secondsLeft } from "./imports.ts";
import { IMPORTS } from "./messages.ts";

/** How far an import is: its state and part, its rate, the time that is left. */
export function describeLoading(item: Import): string {
  const text = locale.texts(IMPORTS);
  const [part, left] = [loadedPart(item), secondsLeft(item, Date.now())];
  const rate = item.state === "loading" ? item.progress.rowsPerSecond : null;
  return [
    part === null || item.state !== "loading"
      ? text[item.state]
      : text.percent(percent(part), text[item.state]),
    rate === null ? "" : text.rowsPerSecond(locale.number(rate, { maximumFractionDigits: 0 })),
    left === null ? "" : text.timeLeft(duration(left, locale.formatting)),
  ]
    .filter((words) => words !== "")
    .join(" · ");
}

export function percent(part: number): string {
  return locale.number(part, { style: "percent", maximumFractionDigits: 0 });
}
