import { SvelteMap } from "svelte/reactivity";
import { type Answer, call } from "../api/client.ts";
import { ApiError } from "../api/errors.ts";
import { rangeParameters, type TimeRange } from "../time/range.ts";
import { type Bucket, inParts, spanOf, type Trend, trendOf, trendQuery } from "./trend.ts";

/** So long the table must stand still before anything is requested. */
const SETTLED_MILLISECONDS = 150;

/** The trends of the equipment in sight, loaded where the table comes to rest and kept from then on. */
export class Trends {
  #trends = new SvelteMap<string, Trend>();
  #upToDate = new Set<string>();
  #inSight: readonly string[] = [];
  #shown = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #request = new AbortController();

  of(equipmentId: string): Trend | undefined {
    return this.#trends.get(equipmentId);
  }

  /** Load what is in sight once it stays so; what was scrolled past is not waited for. */
  show(equipmentIds: readonly string[], range: TimeRange): void {
    this.#forgetOthers(range);
    this.#inSight = equipmentIds;
    this.stop();
    this.#timer = setTimeout(() => this.#load(range), SETTLED_MILLISECONDS);
  }

  /** Load what is in sight again, and all else when it comes into sight. */
  refresh(range: TimeRange): Promise<void> {
    this.#upToDate.clear();
    return this.#load(range);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#request.abort();
  }

  #forgetOthers(range: TimeRange): void {
    const shown = JSON.stringify(rangeParameters(range));
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#trends.clear();
    this.#upToDate.clear();
  }

  async #load(range: TimeRange): Promise<void> {
    this.stop();
    this.#request = new AbortController();
    const { signal } = this.#request;
    const missing = this.#inSight.filter((id) => !this.#upToDate.has(id));
    try {
      for (const ids of inParts(missing, range)) this.#keep(ids, await fetched(ids, range, signal));
    } catch (error) {
      // That the server does not answer is said above; trends come with the next reload.
      if (!signal.aborted && !(error instanceof ApiError)) throw error;
    }
  }

  #keep(ids: readonly string[], { from, to, resolution, items }: Aggregates): void {
    const buckets = new Map<string, Bucket[]>(ids.map((id) => [id, []]));
    for (const item of items) {
      const { equipmentId = "", intervalStart: start, average, sampleCount: samples = 0 } = item;
      if (average != null) buckets.get(equipmentId)?.push({ start, average, samples });
    }
    const span = spanOf(from, to, resolution);
    for (const [id, each] of buckets) {
      this.#trends.set(id, trendOf(each, span));
      this.#upToDate.add(id);
    }
  }
}

type Aggregates = Answer<"/sensor-data/aggregated">;

function fetched(
  ids: readonly string[],
  range: TimeRange,
  signal: AbortSignal,
): Promise<Aggregates> {
  const params = { query: trendQuery(ids, range) };
  return call((api) => api.GET("/sensor-data/aggregated", { params, signal }));
}
