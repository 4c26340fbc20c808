import { ApiError, errorOf } from "./errors.ts";
import type { paths } from "./schema.d.ts";

type Getting<P extends keyof paths> = paths[P] extends { get: infer Operation } ? Operation : never;
type Json<Operation> = Operation extends {
  responses: { 200: { content: { "application/json": infer Body } } };
}
  ? Body
  : never;
type QueryOf<Operation> = Operation extends { parameters: { query?: infer Query } }
  ? NonNullable<Query>
  : never;

/** The paths whose GET answers JSON. */
export type GetPath = {
  [P in keyof paths]: Json<Getting<P>> extends never ? never : P;
}[keyof paths];
export type Answer<P extends GetPath> = Json<Getting<P>>;
export type Query<P extends GetPath> = QueryOf<Getting<P>>;

/** Called when a session has ended; returns when somebody has signed in again. */
type SignInAgain = () => Promise<void>;

let signInAgain: SignInAgain | null = null;

export function onSessionEnd(callback: SignInAgain | null): void {
  signInAgain = callback;
}

/** The answer's body; asks to sign in again where the session has ended. Throws ApiError. */
export async function get<P extends GetPath>(
  path: P,
  query?: Query<P>,
  signal?: AbortSignal,
): Promise<Answer<P>> {
  try {
    return await send<Answer<P>>("GET", path + queryString(query), { signal: signal ?? null });
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401 || signInAgain === null) throw error;
  }
  await signInAgain();
  return get(path, query, signal);
}

/** The answer's body. Throws ApiError. */
export async function send<Body>(
  method: string,
  url: string,
  init: RequestInit = {},
): Promise<Body> {
  const response = await reach(url, { ...init, method });
  if (!response.ok) throw await errorOf(response);
  return (await response.json()) as Body;
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, headers: { Accept: "application/json", ...init.headers } });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "unreachable", "", null);
  }
}

function queryString(query: Record<string, unknown> | undefined): string {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined);
  const parameters = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return parameters.size > 0 ? `?${parameters}` : "";
}
