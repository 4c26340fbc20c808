import { call } from "../../api/client.ts";
import { ApiError } from "../../api/errors.ts";
import { type Import, isFinal } from "../imports.ts";

const AGAIN_AFTER_MS = 5000;

/** An import as it is now: by its events while it goes on. */
export class FollowedImport {
  value = $state.raw<Import | null>(null);
  error = $state.raw<ApiError | null>(null);
  /** Whether nothing is heard of it at the moment. */
  isLost = $state(false);
  #events: EventSource | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(readonly importId: string) {}

  /** What the API says now; the events tell the rest. */
  async load(): Promise<void> {
    try {
      this.show(await this.#ask());
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.error = error;
    }
  }

  /** As an answer of the API has it. */
  show(item: Import): void {
    if (this.#closed) return;
    [this.value, this.error, this.isLost] = [item, null, false];
    if (isFinal(item)) this.#stop();
    else this.#events ??= this.#open();
  }

  close(): void {
    this.#closed = true;
    this.#stop();
  }

  #ask(): Promise<Import> {
    const params = { path: { import_id: this.importId } };
    return call((api) => api.GET("/imports/{import_id}", { params }));
  }

  /**
   * The browser connects again by itself when the connection ends. When the server refuses, as after
   * the end of a session, it does not: then the API is asked, which leads to signing in.
   */
  #open(): EventSource {
    const events = new EventSource(`/imports/${this.importId}/events`);
    const show = ({ data }: MessageEvent<string>) => this.show(JSON.parse(data) as Import);
    events.addEventListener("state", show);
    events.addEventListener("progress", show);
    events.addEventListener("open", () => {
      this.isLost = false;
    });
    events.addEventListener("error", () => {
      this.isLost = true;
      if (events.readyState === EventSource.CLOSED) this.#askLater();
    });
    return events;
  }

  #askLater(): void {
    this.#stop();
    this.#timer = setTimeout(() => this.load(), AGAIN_AFTER_MS);
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#events?.close();
    this.#events = null;
  }
}
