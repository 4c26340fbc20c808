/** Starts PostgreSQL with TimescaleDB, compiled to WebAssembly, in this thread. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";
import { readTar } from "./tar.mjs";

// Node's type declarations do not have it.
const { WebAssembly } = /** @type {any} */ (globalThis);

const PREFIX = "/tmp/pglite";
const CLUSTER = `${PREFIX}/base`;
const MEMORY_BASE = 1024;

// The build gives C 64 kB of stack without a guard; 300 added terms in one expression overrun it.
// Both addresses belong to the one package version that package.mjs verifies.
const STACK_BYTES = 64 * 1024 * 1024;
const STACK_BASE_POINTER = MEMORY_BASE + 2539500;
const MAX_STACK_DEPTH = "24MB";

const SUPERUSER_CONTEXT = 5;
const OVERRIDE_SOURCE = 10;

/** What RESET returns to, in place of the build's values: no sequential scans, debug messages. */
const BASE_SETTINGS = {
  client_min_messages: "notice",
  search_path: '"$user", public',
  enable_seqscan: "on",
  exit_on_error: "off",
  timezone: "UTC",
  log_min_messages: "warning",
  default_text_search_config: "pg_catalog.english",
  max_stack_depth: MAX_STACK_DEPTH,
};

/**
 * @typedef {object} WasmServer
 * @property {any} module the Emscripten module
 * @property {(name: string) => string} setting a setting's raw value
 */

/**
 * @param {string} packageFolder
 * @param {string} clusterFolder existing; empty for a first start
 * @param {string} database to connect to
 * @param {import('./interrupts.mjs').Interrupts} interrupts
 * @returns {Promise<WasmServer>} ready for messages
 */
export async function startWasmServer(packageFolder, clusterFolder, database, interrupts) {
  /** @type {any} */ let exports;
  const wasm = await WebAssembly.compile(readFileSync(join(packageFolder, "pglite.wasm")));
  const module = await instantiate(packageFolder, clusterFolder, database, async (imports) => {
    interrupts.hookImports(imports);
    const instance = await WebAssembly.instantiate(wasm, imports);
    exports = instance.exports;
    return [instance, wasm];
  });
  await installExtension(module, join(packageFolder, "timescaledb.tar.gz"));
  startBackend(module);
  const setting = settingReader(module);
  interrupts.attach(
    exports,
    MEMORY_BASE,
    () => module.HEAP32,
    () => Number(setting("statement_timeout")),
  );
  return { module, setting };
}

/**
 * @param {string} packageFolder
 * @param {string} clusterFolder
 * @param {string} database
 * @param {(imports: unknown) => Promise<[unknown, unknown]>} link
 * @returns {Promise<any>}
 */
async function instantiate(packageFolder, clusterFolder, database, link) {
  const factory = (await import(pathToFileURL(join(packageFolder, "pglite.js")).href)).default;
  const files = readFileSync(join(packageFolder, "pglite.data"));
  return factory({
    WASM_PREFIX: PREFIX,
    noExitRuntime: true,
    arguments: [
      `PGDATA=${CLUSTER}`,
      `PREFIX=${PREFIX}`,
      "PGUSER=postgres",
      `PGDATABASE=${database}`,
      "MODE=REACT",
      "REPL=N",
    ],
    print: () => {},
    printErr: () => {},
    instantiateWasm: (/** @type {unknown} */ imports, /** @type {Function} */ done) => {
      link(imports).then(([instance, wasm]) => done(instance, wasm));
      return {};
    },
    getPreloadedPackage: () =>
      files.buffer.slice(files.byteOffset, files.byteOffset + files.byteLength),
    preRun: [(/** @type {any} */ module) => mountCluster(module, clusterFolder)],
  });
}

/**
 * @param {any} module
 * @param {string} folder
 */
function mountCluster(module, folder) {
  module.FS.mkdir(CLUSTER);
  module.FS.mount(module.FS.filesystems.NODEFS, { root: folder }, CLUSTER);
}

/**
 * @param {any} module
 * @param {string} archive
 */
async function installExtension(module, archive) {
  const libraries = [];
  for (const { name, content } of readTar(gunzipSync(readFileSync(archive)))) {
    const path = `${PREFIX}/${name}`;
    if (name.endsWith(".so")) libraries.push(preloadLibrary(module, path.slice(0, -3), content));
    else module.FS.writeFile(path, content);
  }
  await Promise.all(libraries);
}

/**
 * @param {any} module
 * @param {string} path without .so, since that is what Emscripten's loader looks for
 * @param {Uint8Array} content
 * @returns {Promise<void>}
 */
function preloadLibrary(module, path, content) {
  const slash = path.lastIndexOf("/");
  const [folder, name] = [path.slice(0, slash), path.slice(slash + 1)];
  return new Promise((resolve, reject) => {
    const failed = () => reject(new Error(`cannot load ${name}`));
    module.FS.createPreloadedFile(folder, name, content, true, true, resolve, failed, false);
  });
}

/** @param {any} module */
function startBackend(module) {
  const top = module._malloc(STACK_BYTES) + STACK_BYTES - 64;
  module.___stack_pointer.value = top & ~15;
  module._pgl_initdb();
  module._pgl_backend();
  module.HEAPU32[STACK_BASE_POINTER >> 2] = module.___stack_pointer.value;
  for (const [name, value] of Object.entries(BASE_SETTINGS)) setBaseSetting(module, name, value);
}

/**
 * @param {any} module
 * @param {string} name
 * @param {string} value
 */
function setBaseSetting(module, name, value) {
  const pointers = [name, value].map((text) => newCString(module, text));
  module._SetConfigOption(...pointers, SUPERUSER_CONTEXT, OVERRIDE_SOURCE);
  pointers.forEach((pointer) => module._free(pointer));
}

/**
 * @param {any} module
 * @returns {(name: string) => string}
 */
function settingReader(module) {
  /** @type {Map<string, number>} */ const names = new Map();
  return (name) => {
    const pointer = names.get(name) ?? newCString(module, name);
    names.set(name, pointer);
    return readCString(module, module._GetConfigOption(pointer, 1, 0));
  };
}

/**
 * @param {any} module
 * @param {string} text
 * @returns {number} address, to be freed
 */
function newCString(module, text) {
  const bytes = Buffer.from(`${text}\0`);
  const pointer = module._malloc(bytes.length);
  module.HEAPU8.set(bytes, pointer);
  return pointer;
}

/**
 * @param {any} module
 * @param {number} pointer
 */
function readCString(module, pointer) {
  if (pointer === 0) return "";
  const end = module.HEAPU8.indexOf(0, pointer);
  return Buffer.from(module.HEAPU8.buffer, pointer, end - pointer).toString("utf8");
}
