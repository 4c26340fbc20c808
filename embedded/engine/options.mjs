import { parseArgs } from "node:util";
import { StartError } from "./log.mjs";

const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);

/**
 * @typedef {object} Options
 * @property {string} dataDir
 * @property {string} host a loopback address
 * @property {number} port 0 for any free one
 * @property {number} idleInTransactionSeconds after which a client that holds the engine is closed
 * @property {number} jobIntervalSeconds between checks for due TimescaleDB jobs
 * @property {number} maintenanceIntervalSeconds between checks for what needs maintenance
 */

/**
 * @param {string[]} args
 * @returns {Options}
 * @throws {StartError}
 */
export function readOptions(args) {
  const { values } = parseArguments(args);
  if (!values["data-dir"]) throw usageError("--data-dir is missing");
  if (!LOOPBACK.has(values.host))
    throw usageError("--host must be a loopback address: there are no passwords");
  return {
    dataDir: values["data-dir"],
    host: values.host,
    port: parseNumber(values.port, "--port"),
    idleInTransactionSeconds: parseNumber(
      values["idle-in-transaction-seconds"],
      "--idle-in-transaction-seconds",
    ),
    jobIntervalSeconds: parseNumber(values["policy-interval-seconds"], "--policy-interval-seconds"),
    maintenanceIntervalSeconds: parseNumber(
      values["upkeep-interval-seconds"],
      "--upkeep-interval-seconds",
    ),
  };
}

/** @param {string[]} args */
function parseArguments(args) {
  try {
    return parseArgs({
      args,
      options: {
        "data-dir": { type: "string" },
        host: { type: "string", default: "127.0.0.1" },
        port: { type: "string", default: "0" },
        "idle-in-transaction-seconds": { type: "string", default: "30" },
        "policy-interval-seconds": { type: "string", default: "30" },
        "upkeep-interval-seconds": { type: "string", default: "10" },
      },
    });
  } catch (error) {
    throw usageError(String(error));
  }
}

/** @param {string} text @param {string} name */
function parseNumber(text, name) {
  const value = Number(text);
  if (text === "" || !(value >= 0)) throw usageError(`${name} must be a number from 0 up`);
  return value;
}

/** @param {string} problem */
function usageError(problem) {
  return new StartError("usage", problem);
}
