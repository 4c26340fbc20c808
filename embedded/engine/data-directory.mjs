/** The data directory: its lock file, and the database cluster in it. */
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

const LOCK_FILE = "engine.lock";
const CLUSTER = "cluster";
const UNFINISHED = "cluster.unfinished";

/**
 * Locks the directory for this process, creating it if need be.
 * @param {string} dataDir
 * @returns {() => void} removes the lock
 * @throws {StartError} when another process holds the lock
 */
export function lockDataDirectory(dataDir) {
  mkdirSync(dataDir, { recursive: true });
  const path = join(dataDir, LOCK_FILE);
  if (!tryCreateLock(path)) replaceStaleLock(path, dataDir);
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
function replaceStaleLock(path, dataDir) {
  const holder = readFileSync(path, "utf8");
  const pid = Number(holder.split(" ")[0]);
  if (holder === identifyProcess(pid)) {
    throw new StartError(
      "data_dir_locked",
      `${dataDir} is in use by process ${pid}; stop that one or choose another --data-dir.`,
    );
  }
  if (!tryRemove(path, holder) || !tryCreateLock(path)) {
    throw new StartError("data_dir_locked", `another process is just taking ${dataDir}`);
  }
}

/**
 * Moves the lock away before it reads it again, so that only one of two processes removes it.
 * @param {string} path
 * @param {string} holder that the lock is removed of
 */
function tryRemove(path, holder) {
  const temporary = `${path}.${process.pid}`;
  renameSync(path, temporary);
  const isSame = readFileSync(temporary, "utf8") === holder;
  if (!isSame) renameSync(temporary, path);
  rmSync(temporary, { force: true });
  return isSame;
}

/**
 * Writes a temporary file and links it, so that the lock file never exists without its content.
 * @param {string} path
 */
function tryCreateLock(path) {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, identifyProcess(process.pid));
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
    return false;
  } finally {
    rmSync(temporary);
  }
}

/**
 * Pids are reused, so a lock names the process's start time as well, where /proc has it.
 * @param {number} pid
 */
function identifyProcess(pid) {
  if (!isAlive(pid)) return "none";
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
