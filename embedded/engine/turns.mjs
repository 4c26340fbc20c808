/** Who may use the engine: one at a time, first come, first served. */
export class Turns {
  /** @type {(() => Promise<void>)[]} */ #waiting = [];
  #running = false;
  #lastEnd = performance.now();

  /**
   * @template T
   * @param {() => Promise<T>} turn runs alone
   * @returns {Promise<T>} what the turn returned or threw
   */
  take(turn) {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => turn().then(resolve, reject));
      if (!this.#running) void this.#run();
    });
  }

  /** @returns {number} milliseconds since somebody last used the engine; 0 while in use */
  get idleMs() {
    return this.#running ? 0 : performance.now() - this.#lastEnd;
  }

  async #run() {
    this.#running = true;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) await next();
    this.#running = false;
    this.#lastEnd = performance.now();
  }
}
