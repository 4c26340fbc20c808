import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** The key that signs and the one before it, whose tokens are valid for up to an hour longer. */
const RETAINED_KEYS = 2;

/** @typedef {import("node:crypto").JsonWebKey} JsonWebKey */

/**
 * Loads the signing keys from a file that only its owner can read; the first one signs.
 * @param {string} path created with one new key if it is missing
 * @param {{rotate: boolean}} options rotate: put a new key before the existing ones
 * @returns {JsonWebKey[]}
 */
export function loadSigningKeys(path, { rotate }) {
  const existing = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : [];
  if (existing.length > 0 && !rotate) return existing;
  const keys = [generateSigningKey(), ...existing].slice(0, RETAINED_KEYS);
  save(path, keys);
  return keys;
}

/** @returns {JsonWebKey} */
function generateSigningKey() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), alg: "RS256", use: "sig" };
}

/**
 * Writes a temporary file and renames it, so that a kill in between leaves the old file intact.
 * @param {string} path
 * @param {JsonWebKey[]} keys
 */
function save(path, keys) {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.new`;
  writeFileSync(temporary, JSON.stringify(keys), { mode: 0o600 });
  renameSync(temporary, path);
}
