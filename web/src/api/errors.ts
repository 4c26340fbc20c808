/** What went wrong with a request: the API's own code and words, or `unreachable`. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** From Retry-After. */
    readonly retryAfterSeconds: number | null,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** The error that a response and its body describe, even if a proxy in between wrote it. */
export function errorOf(response: Response, body: unknown): ApiError {
  const seconds = Number(response.headers.get("Retry-After") ?? Number.NaN);
  return new ApiError(
    response.status,
    textOf(body, "code") ?? `http_${response.status}`,
    textOf(body, "detail") ?? response.statusText,
    Number.isFinite(seconds) ? seconds : null,
  );
}

// What a server or a proxy answers that cannot do its work for now. Any other error is an answer.
const UNAVAILABLE = new Set([
  "http_502",
  "http_503",
  "http_504",
  "database_unavailable",
  "database_overloaded",
  "session_store_unavailable",
]);

/** The error of a response that says no more than that there is nobody to answer; else null. */
export async function unavailability(response: Response): Promise<ApiError | null> {
  if (response.status < 502 || response.status > 504) return null;
  const error = errorOf(response, await jsonOf(response.clone()));
  return UNAVAILABLE.has(error.code) ? error : null;
}

async function jsonOf(response: Response): Promise<unknown> {
  return response.json().catch(() => null);
}

function textOf(body: unknown, member: string): string | null {
  if (typeof body !== "object" || body === null) return null;
  const value: unknown = Reflect.get(body, member);
  return typeof value === "string" ? value : null;
}
