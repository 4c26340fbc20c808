import type { Reading } from "./readings.ts";

interface Bucket {
  equipmentId: string;
  /** In Unix seconds. */
  intervalStart: number;
}
interface ChangedDays {
  /** Any where it is null. */
  equipmentId: string | null;
  firstDay: string;
  lastDay: string;
}

export interface Listener {
  reading: (reading: Reading) => void;
  bucket: (bucket: Bucket) => void;
  changed: (days: ChangedDays) => void;
  /** The stream begins, or events were lost: what there is is to be fetched. */
  begin: () => void;
  /** The session has ended; resolves when somebody has signed in again. */
  end: () => Promise<unknown>;
}

const FIRST_PAUSE = 2000;
const LONGEST_PAUSE = 60_000;
/** A stream that has not begun by then is not waited for. */
const BEGINNING = 300;

/** What changes of equipment, as the server streams it while the page is visible. */
export class LiveUpdates {
  /** Whether changes come as they are made. */
  connected = $state(false);
  #following: { address: string; listener: Listener } | null = null;
  #source: EventSource | null = null;
  #begun: Promise<void> = Promise.resolve();
  #onBegin: () => void = () => undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pause = FIRST_PAUSE;

  /** Listen until the function that is returned is called. */
  follow(equipmentIds: readonly string[], listener: Listener): () => void {
    const parameters = new URLSearchParams(equipmentIds.map((id) => ["equipmentId", id]));
    this.#following = { address: `/sensor-data/live?${parameters}`, listener };
    this.#begun = new Promise((resolve) => {
      this.#onBegin = resolve;
      setTimeout(resolve, BEGINNING);
    });
    const look = () => this.#connect();
    document.addEventListener("visibilitychange", look);
    look();
    return () => {
      document.removeEventListener("visibilitychange", look);
      this.#following = null;
      this.#disconnect();
    };
  }

  /** From then on nothing that is stored is missed; unless the stream takes long to begin. */
  begun(): Promise<void> {
    return this.#begun;
  }

  #connect(): void {
    this.#disconnect();
    if (this.#following === null || document.hidden) return;
    const { address, listener } = this.#following;
    const source = new EventSource(address);
    this.#source = source;
    const on = <Data>(name: string, act: (data: Data) => void) =>
      source.addEventListener(name, (event) => act(JSON.parse(event.data) as Data));
    on("ready", () => this.#begin(listener));
    on("reading", listener.reading);
    on("bucket", listener.bucket);
    on("changed", listener.changed);
    on("missed", listener.begin);
    on("end", () => this.#end(listener));
    source.onerror = () => this.#lose(source);
  }

  #begin(listener: Listener): void {
    this.connected = true;
    this.#pause = FIRST_PAUSE;
    listener.begin();
    this.#onBegin();
  }

  async #end(listener: Listener): Promise<void> {
    this.#disconnect();
    await listener.end();
    this.#connect();
  }

  /** A lost connection the browser makes again by itself; one that is refused it gives up. */
  #lose(source: EventSource): void {
    this.connected = false;
    if (source.readyState !== EventSource.CLOSED) return;
    this.#disconnect();
    this.#timer = setTimeout(() => this.#connect(), this.#pause);
    this.#pause = Math.min(LONGEST_PAUSE, 2 * this.#pause);
  }

  #disconnect(): void {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
    this.connected = false;
  }
}
