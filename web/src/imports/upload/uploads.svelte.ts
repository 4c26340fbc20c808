import { call, whileSignedIn } from "../../api/client.ts";
import { ApiError } from "../../api/errors.ts";
import { session } from "../../session/session.svelte.ts";
import { type Import, isFinal } from "../imports.ts";
import { rateOf, type Sample, withSample } from "./rate.ts";
import { type Options, sendFile } from "./send.ts";

type State = "waiting" | "sending" | "stored" | "failed" | "stopped";

const AT_A_TIME = 5;
/** How often a file is sent whose connection broke. */
const ATTEMPTS = 3;
let count = 0;

/** A file that is sent in this visit, and what has become of it. */
export class Upload {
  readonly id = count++;
  state = $state<State>("waiting");
  sentBytes = $state(0);
  error = $state.raw<ApiError | null>(null);
  importId = $state<string | null>(null);
  /** As last heard of. */
  import = $state.raw<Import | null>(null);
  #samples = $state.raw<readonly Sample[]>([]);
  #sending = new AbortController();

  constructor(
    readonly file: File,
    readonly options: Options,
  ) {}

  get isPending(): boolean {
    return this.state === "waiting" || this.state === "sending";
  }

  /** Bytes per second, over the last seconds. */
  get rate(): number | null {
    return rateOf(this.#samples);
  }

  get secondsLeft(): number | null {
    return this.rate === null ? null : this.leftBytes / this.rate;
  }

  get leftBytes(): number {
    return this.isPending ? this.file.size - this.sentBytes : 0;
  }

  /** To its end, whichever that is. */
  async send(): Promise<void> {
    this.#sending = new AbortController();
    this.state = "sending";
    try {
      const { importId } = await whileSignedIn(() => this.#sendOnce());
      [this.importId, this.state] = [importId, "stored"];
    } catch (error) {
      this.#end(error);
    }
  }

  stop(): void {
    if (this.state === "waiting") this.state = "stopped";
    this.#sending.abort();
  }

  wait(): void {
    [this.state, this.sentBytes, this.error] = ["waiting", 0, null];
  }

  /** Once more where the connection broke: what is stored already does not change. */
  async #sendOnce(attempt = 1): ReturnType<typeof sendFile> {
    this.#samples = [];
    const sending = { onProgress: this.#note, signal: this.#sending.signal };
    try {
      return await sendFile(this.file, this.options, sending);
    } catch (error) {
      const isBroken = error instanceof ApiError && error.code === "interrupted";
      if (!isBroken || attempt === ATTEMPTS) throw error;
    }
    return this.#sendOnce(attempt + 1);
  }

  /** The form around the file is sent too. */
  #note = (bytes: number): void => {
    this.#samples = withSample(this.#samples, { moment: Date.now(), bytes });
    this.sentBytes = Math.min(bytes, this.file.size);
  };

  #end(error: unknown): void {
    if (error instanceof ApiError) [this.state, this.error] = ["failed", error];
    else if (error instanceof DOMException) this.state = "stopped";
    else throw error;
  }
}

/** The files of this visit, sent one after the other whichever page is shown. */
class Uploads {
  items = $state<Upload[]>([]);
  #running = false;

  constructor() {
    addEventListener("beforeunload", (event) => {
      if (this.isBusy) event.preventDefault();
    });
    $effect.root(() => {
      $effect(() => {
        if (session.state.kind === "signedOut") this.#clear();
      });
    });
  }

  get isBusy(): boolean {
    return this.items.some((upload) => upload.isPending);
  }

  /** Bytes per second, of the one that is on its way. */
  get rate(): number | null {
    return this.items.find(({ state }) => state === "sending")?.rate ?? null;
  }

  /** Until all are sent, at the rate of now. */
  get secondsLeft(): number | null {
    const bytes = this.items.reduce((sum, { leftBytes }) => sum + leftBytes, 0);
    return this.rate === null ? null : bytes / this.rate;
  }

  /** Those that need not come again. */
  get files(): File[] {
    return this.items
      .filter(({ state }) => state !== "failed" && state !== "stopped")
      .map(({ file }) => file);
  }

  add(files: readonly File[], options: Options): void {
    this.items.push(...files.map((file) => new Upload(file, options)));
    this.#run();
  }

  sendAgain(upload: Upload): void {
    upload.wait();
    this.#run();
  }

  remove(upload: Upload): void {
    this.items = this.items.filter((other) => other !== upload);
  }

  /** Imports as they are now, of which some may be of this visit. */
  note(imports: readonly Import[]): void {
    const byId = new Map(imports.map((item) => [item.importId, item]));
    for (const upload of this.items) {
      const found = upload.importId && byId.get(upload.importId);
      if (found) upload.import = found;
    }
  }

  /** Whether the import of one of them goes on. */
  get isLoading(): boolean {
    return this.items.some(isUnfinished);
  }

  /** Ask for the imports that are not among these, which are noted. */
  async noteOthers(known: readonly Import[]): Promise<void> {
    this.note(known);
    const ids = new Set(known.map(({ importId }) => importId));
    const others = this.items.filter((upload) => isUnfinished(upload) && !ids.has(idOf(upload)));
    this.note(
      await Promise.all(others.slice(0, AT_A_TIME).map((upload) => importOf(idOf(upload)))),
    );
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      for (let next = this.#next; next !== undefined; next = this.#next) await next.send();
    } finally {
      this.#running = false;
    }
  }

  get #next(): Upload | undefined {
    return this.items.find(({ state }) => state === "waiting");
  }

  #clear(): void {
    for (const upload of this.items) upload.stop();
    this.items = [];
  }
}

function idOf(upload: Upload): string {
  return upload.importId ?? "";
}

function isUnfinished(upload: Upload): boolean {
  return upload.importId !== null && (upload.import === null || !isFinal(upload.import));
}

function importOf(importId: string): Promise<Import> {
  const params = { path: { import_id: importId } };
  return call((api) => api.GET("/imports/{import_id}", { params }));
}

export const uploads = new Uploads();
