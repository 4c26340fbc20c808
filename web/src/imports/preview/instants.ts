import { locale } from "../../i18n/locale.svelte.ts";

/** A timestamp in UTC, its month as a word, so that none is taken for a day. */
export function instant(timestamp: string): string {
  const options = { dateStyle: "medium", timeStyle: "medium", timeZone: "UTC" } as const;
  return new Date(timestamp).toLocaleString(locale.formatting, options);
}
