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

/** The error that a response describes, even if a proxy in between wrote it. */
export async function errorOf(response: Response): Promise<ApiError> {
  const problem = await problemOf(response);
  const seconds = Number(response.headers.get("Retry-After") ?? Number.NaN);
  return new ApiError(
    response.status,
    problem.code ?? `http_${response.status}`,
    problem.detail ?? response.statusText,
    Number.isFinite(seconds) ? seconds : null,
  );
}

async function problemOf(response: Response): Promise<{ code?: string; detail?: string }> {
  try {
    return await response.json();
  } catch {
    return {};
  }
}
