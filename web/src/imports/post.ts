import { callOnce } from "../api/client.ts";
import { ApiError, errorOf } from "../api/errors.ts";

export interface Sending {
  onProgress?: (sentBytes: number) => void;
  signal?: AbortSignal;
}

/**
 * What the API answers to a form with a file. Throws ApiError, or AbortError by the signal.
 *
 * By XMLHttpRequest, since fetch says nothing of how much is sent.
 */
export async function postForm<Answer>(
  path: string,
  form: FormData,
  sending: Sending = {},
): Promise<Answer> {
  try {
    return (await post(path, form, sending)) as Answer;
  } catch (error) {
    throw await explained(error, sending);
  }
}

function post(path: string, form: FormData, { onProgress, signal }: Sending): Promise<unknown> {
  signal?.throwIfAborted();
  const request = new XMLHttpRequest();
  const answered = new Promise((resolve, reject) => {
    request.upload.onprogress = (event) => onProgress?.(event.loaded);
    request.onload = () => (isOk(request) ? resolve(bodyOf(request)) : reject(failureOf(request)));
    request.onerror = () => reject(new ApiError(0, "interrupted", "", null));
    request.onabort = () => reject(new DOMException("", "AbortError"));
  });
  signal?.addEventListener("abort", () => request.abort());
  request.open("POST", path);
  request.setRequestHeader("Accept", "application/json");
  request.send(form);
  return answered;
}

function isOk(request: XMLHttpRequest): boolean {
  return request.status >= 200 && request.status < 300;
}

function failureOf(request: XMLHttpRequest): ApiError {
  const { status, statusText } = request;
  const retryAfter = request.getResponseHeader("Retry-After");
  const headers = retryAfter === null ? {} : { "Retry-After": retryAfter };
  return errorOf(new Response(null, { status, statusText, headers }), bodyOf(request));
}

/** Null where it is no JSON, as a proxy's own page. */
function bodyOf(request: XMLHttpRequest): unknown {
  try {
    return JSON.parse(request.responseText);
  } catch {
    return null;
  }
}

/**
 * A server that refuses a request may close the connection while the file is on its way, and the
 * browser says no more than that: whether the session has ended is found out by another request,
 * which waits until the server answers.
 */
async function explained(error: unknown, { signal }: Sending): Promise<unknown> {
  if (!(error instanceof ApiError) || error.code !== "interrupted") return error;
  try {
    await callOnce((api) => api.GET("/auth/me", signal && { signal }));
  } catch (reason) {
    return reason;
  }
  return error;
}
