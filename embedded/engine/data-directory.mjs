/** The data directory: who owns it, and the cluster in it. */
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { StartError } from "./log.mjs";

const LOCK = "engine.lock";
const CLUSTER = "cluster";
const UNFINISHED = "cluster.unfinished";

/**
 * Takes the directory for this process, creating it if need be.
 * @param {string} dataDir
 * @returns {() => void} gives it back
 * @throws {StartError} when another process has it
 */
export function lockDataDirectory(dataDir) {
  mkdirSync(dataDir, { recursive: true });
  const path = join(dataDir, LOCK);
  if (!tryCreateLock(path)) takeOver(path, dataDir);
  return () => rmSync(path, { force: true });
}

/**
 * @param {string} dataDir
 * @param {(folder: string) => Promise<void>} create fills an empty folder
 * @returns {Promise<string>} the complete cluster's folder
 */
export async function ensureCluster(dataDir, create) {
  const cluster = join(dataDir, CLUSTER);
  const unfinished = join(dataDir, UNFINISHED);
  rmSync(unfinished, { recursive: true, force: true });
  if (existsSync(cluster)) return cluster;
  await create(unfinished);
  renameSync(unfinished, cluster);
  return cluster;
}

/** @param {string} path @param {string} dataDir */
function takeOver(path, dataDir) {
  const owner = readFileSync(path, "utf8");
  const pid = Number(owner.split(" ")[0]);
  if (owner === identify(pid)) {
    throw new StartError(
      "data_dir_locked",
      `${dataDir} is in use by process ${pid}; stop that one or choose another --data-dir.`,
    );
  }
  if (!tryRemove(path, owner) || !tryCreateLock(path)) {
    throw new StartError("data_dir_locked", `another process is just taking ${dataDir}`);
  }
}

/**
 * Moves the lock away before looking again, so that of two processes that find it only one has it.
 * @param {string} path
 * @param {string} owner
 */
function tryRemove(path, owner) {
  const aside = `${path}.${process.pid}`;
  renameSync(path, aside);
  const isSame = readFileSync(aside, "utf8") === owner;
  if (!isSame) renameSync(aside, path);
  rmSync(aside, { force: true });
  return isSame;
}

/**
 * Written aside and linked, so that nobody ever sees a lock without its owner.
 * @param {string} path
 */
function tryCreateLock(path) {
  const aside = `${path}.${process.pid}`;
  writeFileSync(aside, identify(process.pid));
  try {
    linkSync(aside, path);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
    return false;
  } finally {
    rmSync(aside);
  }
}

/**
 * Pids are used again, so a lock names the start time as well, where the system tells.
 * @param {number} pid
 */
function identify(pid) {
  if (!isAlive(pid)) return "nobody";
  const stat = `/proc/${pid}/stat`;
  const startTime = existsSync(stat)
    ? readFileSync(stat, "utf8").split(") ")[1]?.split(" ")[19]
    : "-";
  return `${pid} ${startTime}`;
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    return Number.isInteger(pid) && pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
  }
}
