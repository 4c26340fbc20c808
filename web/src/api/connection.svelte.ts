import { delaySeconds } from "./delays.ts";
import type { ApiError } from "./errors.ts";

const SILENT_SECONDS = 10;

/** Whether the server answers, and which requests wait until it does. */
class Connection {
  /** Why they wait; null while the server answers. */
  error = $state.raw<ApiError | null>(null);
  /** When they are sent again; null while they are on their way. */
  nextAttempt = $state.raw<Date | null>(null);
  lastAnswer = $state.raw(new Date());
  #waiting = new Set<() => void>();
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #listeners = new Set<() => void>();

  /** Returns when the request is to be sent again; throws when it was abandoned. */
  wait(error: ApiError, signal: AbortSignal): Promise<void> {
    this.error = error;
    this.#timer ??= this.#schedule(delaySeconds(this.#failures++, error.retryAfterSeconds));
    return new Promise((resolve, reject) => {
      const sendAgain = () => {
        signal.removeEventListener("abort", abandon);
        resolve();
      };
      const abandon = () => {
        this.#waiting.delete(sendAgain);
        this.abandoned();
        reject(signal.reason);
      };
      this.#waiting.add(sendAgain);
      signal.addEventListener("abort", abandon, { once: true });
    });
  }

  /** Send what waits now. */
  retry(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.nextAttempt = null;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const sendAgain of waiting) sendAgain();
  }

  /** A request was answered. */
  answered(): void {
    this.lastAnswer = new Date();
    this.#failures = 0;
    if (this.error === null || this.#waiting.size > 0) return;
    this.error = null;
    for (const listener of this.#listeners) listener();
  }

  /** A request was given up; if none is left, nobody would notice that the server is back. */
  abandoned(): void {
    if (this.#waiting.size > 0) return;
    this.retry();
    this.error = null;
  }

  /** Call back whenever the server is back: what was shown is old. Returns how to stop that. */
  onReturn(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Have `ask` send a request whenever the server has not answered any for a while. */
  watch(ask: () => Promise<unknown>): () => void {
    let asking = false;
    const check = async () => {
      const silentSeconds = (Date.now() - this.lastAnswer.getTime()) / 1000;
      if (document.hidden || asking || silentSeconds < SILENT_SECONDS) return;
      asking = true;
      await ask().finally(() => {
        asking = false;
      });
    };
    const timer = setInterval(check, 1000);
    const retry = () => this.retry();
    addEventListener("online", retry);
    return () => {
      clearInterval(timer);
      removeEventListener("online", retry);
    };
  }

  #schedule(seconds: number): ReturnType<typeof setTimeout> {
    this.nextAttempt = new Date(Date.now() + seconds * 1000);
    return setTimeout(() => this.retry(), seconds * 1000);
  }
}

export const connection = new Connection();
