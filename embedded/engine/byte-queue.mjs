/** A first-in, first-out queue of bytes; nothing is copied before it is read. */
export class ByteQueue {
  /** @type {Uint8Array[]} */ #chunks = [];
  #offset = 0;
  size = 0;

  /** @param {Uint8Array} bytes */
  push(bytes) {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.size += bytes.length;
  }

  /** @returns {number} the next byte, which stays in the queue; the queue must not be empty */
  peek() {
    return /** @type {Uint8Array} */ (this.#chunks[0])[this.#offset] ?? 0;
  }

  /**
   * @param {Uint8Array} target filled from its start, with as much as there is
   * @returns {number} how many bytes were read
   */
  read(target) {
    let filled = 0;
    while (filled < target.length && this.size > 0) filled += this.#readChunk(target, filled);
    return filled;
  }

  /** @param {Uint8Array} target @param {number} at */
  #readChunk(target, at) {
    const chunk = /** @type {Uint8Array} */ (this.#chunks[0]);
    const part = chunk.subarray(this.#offset, this.#offset + target.length - at);
    target.set(part, at);
    this.#offset += part.length;
    this.size -= part.length;
    if (this.#offset === chunk.length) {
      this.#chunks.shift();
      this.#offset = 0;
    }
    return part.length;
  }
}
