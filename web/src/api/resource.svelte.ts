import { ApiError } from "./errors.ts";

/** What a page shows of the API: the newest answer, whether one is on its way, what went wrong. */
export class Resource<Value> {
  value = $state.raw<Value | null>(null);
  error = $state.raw<ApiError | null>(null);
  loading = $state(false);
  #latest = new AbortController();

  /** Give up what is still on its way. */
  abandon(): void {
    this.#latest.abort();
    this.loading = false;
  }

  /** Replace the value; a request that is still on its way is abandoned. */
  async load(fetchValue: (signal: AbortSignal) => Promise<Value>): Promise<void> {
    this.#latest.abort();
    const current = new AbortController();
    this.#latest = current;
    this.loading = true;
    try {
      const value = await fetchValue(current.signal);
      if (!current.signal.aborted) [this.value, this.error] = [value, null];
    } catch (error) {
      if (current.signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      this.error = error;
    } finally {
      if (this.#latest === current) this.loading = false;
    }
  }
}
