import { ApiError } from "../../api/errors.ts";
import { agree, type Options } from "./options.ts";
import { type Preview, previewOf } from "./request.ts";
import { sampleOf } from "./sample.ts";

const PAUSE_MS = 350;

/** How a file is to be read: found by the server, then as its sender changes it. */
export class PreviewSession {
  /** What the server has found, by which the questions are asked. */
  found = $state.raw<Preview | null>(null);
  /** Of the options as they are, unless `loading`. */
  current = $state.raw<Preview | null>(null);
  options = $state.raw<Options | null>(null);
  error = $state.raw<ApiError | null>(null);
  loading = $state(false);
  /** Whether the sender has said what the file does not tell. */
  #answered = $state(false);
  #latest = new AbortController();
  readonly #sample: Blob | null;

  constructor(readonly file: File) {
    this.#sample = sampleOf(file);
  }

  get isTooLarge(): boolean {
    return this.#sample === null;
  }

  /** The options in which the ways to read the file differ, until one is chosen. */
  get question(): readonly string[] {
    return this.#answered ? [] : (this.found?.ambiguous ?? []);
  }

  /** Look for the options anew. */
  async detect(): Promise<void> {
    this.#answered = false;
    await this.#load(null);
  }

  /** Preview the file with other options, once nobody changes them for a moment. */
  async change(options: Options): Promise<void> {
    const ambiguous = this.found?.ambiguous ?? [];
    if (this.options && !agree(this.options, options, ambiguous)) this.#answered = true;
    this.options = options;
    await this.#load(options);
  }

  /** The sender chooses one of the ways to read the file. */
  async choose(options: Options): Promise<void> {
    this.#answered = true;
    this.options = options;
    await this.#load(options);
  }

  close(): void {
    this.#latest.abort();
  }

  async #load(options: Options | null): Promise<void> {
    this.#latest.abort();
    this.#latest = new AbortController();
    const { signal } = this.#latest;
    if (this.#sample === null) return;
    this.loading = true;
    try {
      if (options !== null) await pause(signal);
      const preview = await previewOf(this.file, this.#sample, options, signal);
      if (!signal.aborted) this.#show(preview, options === null);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      this.error = error;
    } finally {
      if (!signal.aborted) this.loading = false;
    }
  }

  #show(preview: Preview, isFound: boolean): void {
    [this.current, this.error] = [preview, null];
    if (isFound) [this.found, this.options] = [preview, preview.options];
  }
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, PAUSE_MS);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
