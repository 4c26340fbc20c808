/** A mutex with a first-in, first-out queue: the engine serves one client at a time. */
export class Mutex {
  /** @type {(() => Promise<void>)[]} */ #queue = [];
  #locked = false;
  #releasedAt = performance.now();

  /**
   * @template T
   * @param {() => Promise<T>} task runs while no other task does
   * @returns {Promise<T>} what the task returned or threw
   */
  runExclusive(task) {
    return new Promise((resolve, reject) => {
      this.#queue.push(() => task().then(resolve, reject));
      if (!this.#locked) void this.#drain();
    });
  }

  /** @returns {number} milliseconds since the last task ended; 0 while one runs */
  get idleMs() {
    return this.#locked ? 0 : performance.now() - this.#releasedAt;
  }

  async #drain() {
    this.#locked = true;
    for (let task = this.#queue.shift(); task; task = this.#queue.shift()) await task();
    this.#locked = false;
    this.#releasedAt = performance.now();
  }
}
