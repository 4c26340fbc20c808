const BLOCK = 512;

/**
 * Reads the regular files of a plain tar archive.
 * @param {Buffer} archive uncompressed
 * @returns {Generator<{name: string, content: Uint8Array<ArrayBuffer>}>}
 */
export function* readTar(archive) {
  for (let offset = 0; offset + BLOCK <= archive.length && archive[offset] !== 0;) {
    const size = parseInt(archive.toString("latin1", offset + 124, offset + 136), 8);
    const start = offset + BLOCK;
    if (isRegular(archive[offset + 156])) {
      yield {
        name: cString(archive, offset),
        content: new Uint8Array(archive.subarray(start, start + size)),
      };
    }
    offset = start + Math.ceil(size / BLOCK) * BLOCK;
  }
}

/** @param {number | undefined} type */
function isRegular(type) {
  return type === 0 || type === 0x30;
}

/**
 * @param {Buffer} archive
 * @param {number} offset
 */
function cString(archive, offset) {
  return archive.toString("utf8", offset, archive.indexOf(0, offset));
}
