import { callOnce, onSessionEnd, type Schema } from "../api/client.ts";
import { ApiError } from "../api/errors.ts";
import { basicCredentials } from "./basic.ts";

export type Me = Schema<"Me">;

type State =
  | { kind: "loading" }
  | { kind: "failed"; error: ApiError }
  | { kind: "signedOut"; endSessionUrl: string | null; bySigningOut: boolean }
  | { kind: "signedIn"; me: Me; ended: boolean };

class Session {
  state = $state.raw<State>({ kind: "loading" });
  /** Of the requests that found the session ended, called when somebody has signed in again. */
  #waiting: (() => void)[] = [];

  /** Find out who is signed in. */
  async load(): Promise<void> {
    this.state = { kind: "loading" };
    try {
      this.#enter(await whoIsSignedIn());
    } catch (error) {
      this.state = stateAfter(error);
    }
  }

  /** Throws ApiError. */
  async signIn(username: string, password: string): Promise<void> {
    const headers = basicCredentials(username, password);
    await callOnce((api) => api.POST("/auth/login", { headers }));
    onSessionEnd(null);
    this.#enter(await whoIsSignedIn());
  }

  /** Throws ApiError, unless the session had ended already. */
  async signOut(): Promise<void> {
    const endSessionUrl = await signOutHere();
    onSessionEnd(null);
    this.state = { kind: "signedOut", endSessionUrl, bySigningOut: true };
  }

  /** Whether who is signed in has a scope. */
  may(scope: Schema<"Scope">): boolean {
    return this.state.kind === "signedIn" && this.state.me.scopes.includes(scope);
  }

  #enter(me: Me): void {
    this.state = { kind: "signedIn", me, ended: false };
    onSessionEnd(() => this.#askToSignInAgain());
    for (const goOn of this.#waiting.splice(0)) goOn();
  }

  #askToSignInAgain(): Promise<void> {
    if (this.state.kind === "signedIn") this.state = { ...this.state, ended: true };
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

function whoIsSignedIn(): Promise<Me> {
  return callOnce((api) => api.GET("/auth/me"));
}

function stateAfter(error: unknown): State {
  if (!(error instanceof ApiError)) throw error;
  return error.status === 401
    ? { kind: "signedOut", endSessionUrl: null, bySigningOut: false }
    : { kind: "failed", error };
}

async function signOutHere(): Promise<string | null> {
  try {
    const answer = await callOnce((api) => api.POST("/auth/logout"));
    return answer.endSessionUrl ?? null;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}

export const session = new Session();
