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

function textOf(body: unknown, member: string): string | null {
  if (typeof body !== "object" || body === null) return null;
  const value: unknown = Reflect.get(body, member);
  return typeof value === "string" ? value : null;
}
