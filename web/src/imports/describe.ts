import type { ApiError } from "../api/errors.ts";
import { describeError } from "../i18n/errors.ts";
import { locale } from "../i18n/locale.svelte.ts";
import { FAULTS } from "./faultMessages.ts";

/** What went wrong with a request for an import, in the reader's language where it is known. */
export function describeImportError(error: ApiError): string {
  const texts: Record<string, (detail: string) => string> = locale.texts(FAULTS);
  const known = texts[error.code];
  return (
    known?.(error.message) ?? describeError(error, locale.messages, (moment) => locale.time(moment))
  );
}
