import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** The key that signs and its predecessor, whose tokens are still valid for their last hour. */
const KEPT_KEYS = 2;

/** @typedef {import("node:crypto").JsonWebKey} JsonWebKey */

/**
 * The signing keys kept in a file that only its owner can read, the one that signs first.
 * @param {string} path made with one new key if there is none
 * @param {{rotate: boolean}} options rotate: put a new key before the present one
 * @returns {JsonWebKey[]}
 */
export function loadSigningKeys(path, { rotate }) {
  const present = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : [];
  if (present.length > 0 && !rotate) return present;
  const keys = [generateSigningKey(), ...present].slice(0, KEPT_KEYS);
  save(path, keys);
  return keys;
}

/** @returns {JsonWebKey} */
function generateSigningKey() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), alg: "RS256", use: "sig" };
}

/**
 * Written aside and renamed, so that a kill in between leaves the former file whole.
 * @param {string} path
 * @param {JsonWebKey[]} keys
 */
function save(path, keys) {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const aside = `${path}.new`;
  writeFileSync(aside, JSON.stringify(keys), { mode: 0o600 });
  renameSync(aside, path);
}
