import createClient, { type Client } from "openapi-fetch";
import { connection } from "./connection.svelte.ts";
import { ApiError, errorOf, unavailability } from "./errors.ts";
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
  querySerializer: queryString,
});

/** Arrays that the OpenAPI document has separated by commas; others are repeated parameters. */
const SEPARATED_BY_COMMAS: ReadonlySet<string> = new Set(["statistics"]);

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

/** The response; what only reads is sent until the server answers. Throws ApiError. */
async function reach(request: Request): Promise<Response> {
  for (;;) {
    const outcome = await attempt(request);
    if (outcome instanceof Response) return outcome;
    if (request.method !== "GET") throw outcome;
    await connection.wait(outcome, request.signal);
  }
}

/** The response, or the error that says that nothing could answer. */
async function attempt(request: Request): Promise<Response | ApiError> {
  try {
    const response = await fetch(request);
    const outcome = (await unavailability(response)) ?? response;
    if (outcome === response) connection.answered();
    return outcome;
  } catch (error) {
    if (!request.signal.aborted) return new ApiError(0, "unreachable", "", null);
    connection.abandoned();
    throw error;
  }
}

function queryString(query: Record<string, unknown>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    const values = Array.isArray(value) ? value : [value];
    const texts = SEPARATED_BY_COMMAS.has(name) ? [values.join(",")] : values;
    for (const text of texts) if (text != null) parameters.append(name, String(text));
  }
  return parameters.toString();
}
