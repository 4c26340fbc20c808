/** Collects a client's messages to units: what the engine can work on without waiting for more. */

const BORDERS = new Set("QSHF");
/** A unit that grows beyond this goes to the engine before its end, which then stays with the client. */
const EARLY_BYTES = 1024 * 1024;

/** @typedef {import('./framing.mjs').ClientMessage} ClientMessage */

export class Unit {
  /** @type {ClientMessage[]} */ messages = [];
  size = 0;
  /** Sent ahead of the question for it. @type {ClientMessage[]} */ #copyData = [];
  copyDataSize = 0;

  /** @param {ClientMessage} message */
  add(message) {
    this.messages.push(message);
    this.size += message.bytes.length;
  }

  /** @param {ClientMessage} message */
  addCopyData(message) {
    this.#copyData.push(message);
    this.copyDataSize += message.bytes.length;
  }

  takeCopyData() {
    this.copyDataSize = 0;
    return this.#copyData.splice(0);
  }

  get isComplete() {
    return this.isAtBorder || this.size >= EARLY_BYTES;
  }

  get isAtBorder() {
    return BORDERS.has(this.lastType);
  }

  get lastType() {
    return this.messages.at(-1)?.type ?? "";
  }

  /** Whether the engine may go to others after it, if a Sync is added: no portal was opened. */
  get onlyPrepares() {
    return this.lastType === "H" && this.messages.every(({ type }) => type !== "B" && type !== "E");
  }

  /** @returns {Unit} what is left when everything up to the next Sync is skipped */
  afterSkipping() {
    const sync = this.messages.findIndex(({ type }) => type === "S");
    const rest = new Unit();
    if (sync >= 0) this.messages.slice(sync).forEach((message) => rest.add(message));
    return rest;
  }
}

/** A client's complete units, oldest first, and the one that is growing. */
export class UnitQueue {
  /** @type {Unit[]} */ #complete = [];
  #growing = new Unit();
  /** Bytes in all of it. */ size = 0;

  get hasUnit() {
    return this.#complete.length > 0;
  }

  /** @param {ClientMessage} message @returns {boolean} whether it completed a unit */
  add(message) {
    this.#growing.add(message);
    this.size += message.bytes.length;
    if (!this.#growing.isComplete) return false;
    this.#complete.push(this.#growing);
    this.#growing = new Unit();
    return true;
  }

  /** @param {ClientMessage} message belongs to the newest complete unit */
  addCopyData(message) {
    this.#complete.at(-1)?.addCopyData(message);
    this.size += message.bytes.length;
  }

  /** @returns {Unit | undefined} */
  shift() {
    const unit = this.#complete.shift();
    if (unit) this.size -= unit.size + unit.copyDataSize;
    return unit;
  }

  clear() {
    this.#complete = [];
    this.#growing = new Unit();
    this.size = 0;
  }
}
