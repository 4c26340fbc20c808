import createClient, { type Client } from "openapi-fetch";
import { ApiError, errorOf } from "./errors.ts";
import type { components, paths } from "./schema.d.ts";

type Getting<P extends keyof paths> = paths[P] extends { get: infer Operation } ? Operation : never;
type Json<Operation> = Operation extends {
  responses: { 200: { content: { "application/json": infer Body } } };
}
  ? Body
  : never;
type QueryOf<Operation> = Operation extends { parameters: { query?: infer Query } }
  ? NonNullable<Query>
  : never;

/** What GET of a path answers as JSON. */
export type Answer<P extends keyof paths> = Json<Getting<P>>;
/** The query parameters of GET of a path. */
export type Query<P extends keyof paths> = QueryOf<Getting<P>>;
/** A schema of the OpenAPI document, by its name. */
export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];

type Api = Client<paths, "application/json">;
interface Outcome<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

const api: Api = createClient<paths, "application/json">({
  baseUrl: location.origin,
  headers: { Accept: "application/json" },
  fetch: reach,
});

/** Called when a session has ended; returns when somebody has signed in again. */
type SignInAgain = () => Promise<void>;

let signInAgain: SignInAgain | null = null;

export function onSessionEnd(callback: SignInAgain | null): void {
  signInAgain = callback;
}

type Call<Data> = (api: Api) => Promise<Outcome<Data>>;

/** The body of the answer; asks to sign in again where the session has ended. Throws ApiError. */
export function call<Data>(request: Call<Data>): Promise<Data> {
  return whileSignedIn(() => callOnce(request));
}

/** The body of the answer. Throws ApiError. */
export async function callOnce<Data>(request: Call<Data>): Promise<Data> {
  const { data, error, response } = await request(api);
  if (!response.ok) throw errorOf(response, error);
  return data as Data;
}

/** What an action that sends a request returns, sent again if the session had ended. */
export async function whileSignedIn<Result>(action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401 || signInAgain === null) throw error;
  }
  await signInAgain();
  return whileSignedIn(action);
}

async function reach(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "unreachable", "", null);
  }
}
