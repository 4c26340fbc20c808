import { parseArgs } from "node:util";
import { StartError } from "./log.mjs";

const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);

/**
 * @typedef {object} Options
 * @property {string} dataDir
 * @property {string} host a loopback address
 * @property {number} port 0 for any free one
 * @property {number} idleInTransactionSeconds after which a client that holds the engine is closed
 * @property {number} policyIntervalSeconds between looks at TimescaleDB's due jobs
 * @property {number} upkeepIntervalSeconds between looks at what needs CHECKPOINT, ANALYZE or VACUUM
 */

/**
 * @param {string[]} args
 * @returns {Options}
 * @throws {StartError}
 */
export function readOptions(args) {
  const { values } = parse(args);
  if (!values["data-dir"]) throw usage("--data-dir is missing");
  if (!LOOPBACK.has(values.host))
    throw usage("--host must be a loopback address: there are no passwords");
  return {
    dataDir: values["data-dir"],
    host: values.host,
    port: number(values.port, "--port"),
    idleInTransactionSeconds: number(
      values["idle-in-transaction-seconds"],
      "--idle-in-transaction-seconds",
    ),
    policyIntervalSeconds: number(values["policy-interval-seconds"], "--policy-interval-seconds"),
    upkeepIntervalSeconds: number(values["upkeep-interval-seconds"], "--upkeep-interval-seconds"),
  };
}

/** @param {string[]} args */
function parse(args) {
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
    throw usage(String(error));
  }
}

/** @param {string} text @param {string} name */
function number(text, name) {
  const value = Number(text);
  if (text === "" || !(value >= 0)) throw usage(`${name} must be a number from 0 up`);
  return value;
}

/** @param {string} problem */
function usage(problem) {
  return new StartError("usage", problem);
}
