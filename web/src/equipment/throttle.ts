/** As many times as long as an action took is waited for the next, so that it never takes most of the time. */
const PAUSES_PER_ACTION = 10;

/** Carries out an action when it is wanted, at once or as soon as the last is so long ago. */
export class Throttle {
  #state: "idle" | "busy" | "wanted" = "idle";
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly action: () => Promise<unknown>,
    readonly pauseMilliseconds: number,
  ) {}

  want(): void {
    if (this.#state === "idle") this.#act();
    else this.#state = "wanted";
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#state = "idle";
  }

  async #act(): Promise<void> {
    this.#state = "busy";
    const start = performance.now();
    await this.action();
    const pause = PAUSES_PER_ACTION * (performance.now() - start);
    this.#timer = setTimeout(() => this.#goOn(), Math.max(this.pauseMilliseconds, pause));
  }

  #goOn(): void {
    const again = this.#state === "wanted";
    this.#state = "idle";
    if (again) this.#act();
  }
}
