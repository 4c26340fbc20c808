/**
 * Groups a client's messages into batches: what the engine can process without waiting for more
 * input. A batch ends with Query, Sync, Flush or FunctionCall.
 */

const BATCH_ENDS = new Set("QSHF");
/** A larger batch goes to the engine before its end; until that the client holds the engine. */
const MAX_BATCH_BYTES = 1024 * 1024;

/** @typedef {import('./framing.mjs').FrontendMessage} FrontendMessage */

export class MessageBatch {
  /** @type {FrontendMessage[]} */ messages = [];
  size = 0;
  /** Sent before the engine's CopyInResponse. @type {FrontendMessage[]} */ #copyData = [];
  copyDataSize = 0;

  /** @param {FrontendMessage} message */
  add(message) {
    this.messages.push(message);
    this.size += message.bytes.length;
  }

  /** @param {FrontendMessage} message */
  addCopyData(message) {
    this.#copyData.push(message);
    this.copyDataSize += message.bytes.length;
  }

  takeCopyData() {
    this.copyDataSize = 0;
    return this.#copyData.splice(0);
  }

  get isComplete() {
    return this.hasEnd || this.size >= MAX_BATCH_BYTES;
  }

  get hasEnd() {
    return BATCH_ENDS.has(this.lastType);
  }

  get lastType() {
    return this.messages.at(-1)?.type ?? "";
  }

  /** Whether the engine is free for others after it, if a Sync is added: no portal is opened. */
  get onlyPrepares() {
    return this.lastType === "H" && this.messages.every(({ type }) => type !== "B" && type !== "E");
  }

  /** @returns {MessageBatch} what is left when everything up to the next Sync is skipped */
  afterSkipping() {
    const sync = this.messages.findIndex(({ type }) => type === "S");
    const rest = new MessageBatch();
    if (sync >= 0) this.messages.slice(sync).forEach((message) => rest.add(message));
    return rest;
  }
}

/** A client's complete batches, oldest first, and the incomplete one. */
export class MessageBatchQueue {
  /** @type {MessageBatch[]} */ #complete = [];
  #incomplete = new MessageBatch();
  /** Bytes in all of it. */ size = 0;

  get hasBatch() {
    return this.#complete.length > 0;
  }

  /** @param {FrontendMessage} message @returns {boolean} whether it completed a batch */
  add(message) {
    this.#incomplete.add(message);
    this.size += message.bytes.length;
    if (!this.#incomplete.isComplete) return false;
    this.#complete.push(this.#incomplete);
    this.#incomplete = new MessageBatch();
    return true;
  }

  /** @param {FrontendMessage} message belongs to the newest complete batch */
  addCopyData(message) {
    this.#complete.at(-1)?.addCopyData(message);
    this.size += message.bytes.length;
  }

  /** @returns {MessageBatch | undefined} */
  shift() {
    const batch = this.#complete.shift();
    if (batch) this.size -= batch.size + batch.copyDataSize;
    return batch;
  }

  clear() {
    this.#complete = [];
    this.#incomplete = new MessageBatch();
    this.size = 0;
  }
}
