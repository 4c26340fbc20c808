import type { ApiError } from "../../api/errors.ts";
import { describeError } from "../../i18n/errors.ts";
import { locale } from "../../i18n/locale.svelte.ts";
import { UPLOADS } from "./messages.ts";

/** Why a file was not stored. */
export function describeUploadError(error: ApiError): string {
  const text = locale.texts(UPLOADS);
  const known: Record<string, string> = {
    interrupted: text.interrupted,
    body_too_large: text.tooLarge,
    http_413: text.tooLarge,
    not_csv: text.not_csv,
    storage_unavailable: text.storageUnavailable,
  };
  return (
    known[error.code] ?? describeError(error, locale.messages, (moment) => locale.time(moment))
  );
}
