import type { ApiError } from "../api/errors.ts";
import type { Messages } from "./messages.ts";

type PlainText = {
  [Key in keyof Messages]: Messages[Key] extends string ? Key : never;
}[keyof Messages];

const BY_CODE: Record<string, PlainText> = {
  wrong_credentials: "wrongCredentials",
  missing_credentials: "wrongCredentials",
  identity_provider_unavailable: "providerUnavailable",
  identity_provider_refused: "providerRefused",
  password_login_off: "passwordLoginOff",
  unreachable: "unreachable",
  database_unavailable: "databaseUnavailable",
  database_overloaded: "databaseUnavailable",
  session_store_unavailable: "databaseUnavailable",
  missing_scope: "missingScope",
};

/** What went wrong, in the reader's language where the dashboard knows the code. */
export function describeError(
  error: ApiError,
  messages: Messages,
  timeOf: (moment: Date) => string,
): string {
  if (error.code === "too_many_failures") {
    const seconds = error.retryAfterSeconds ?? 60;
    return messages.tooManyFailures(timeOf(new Date(Date.now() + seconds * 1000)));
  }
  const key = BY_CODE[error.code];
  return key === undefined ? messages.failed(error.message) : messages[key];
}
