/** Runs at every start before the first client: loads TimescaleDB and checks the stack's depth. */
import { query, splitMessages, errorFields } from "./protocol.mjs";

// Libraries loaded on demand fail in odd places of this build, so all of them are loaded here.
const LOAD_COMMANDS = [
  "CREATE EXTENSION IF NOT EXISTS timescaledb",
  "LOAD 'timescaledb'",
  "SELECT time_bucket('1 hour', now())",
  "LOAD 'timescaledb-tsl-2.23.0-dev'",
];

const DEEP_EXPRESSION_TERMS = 2000;

/**
 * @param {(bytes: Uint8Array) => Buffer} execute sends messages and returns the response
 * @throws {Error} when this build does not behave like the tested one
 */
export function initializeDatabase(execute) {
  for (const sql of LOAD_COMMANDS) runQuery(execute, sql);
  const terms = new Array(DEEP_EXPRESSION_TERMS).fill("1");
  const sum = firstValue(runQuery(execute, `SELECT ${terms.join("+")}`));
  if (sum !== String(DEEP_EXPRESSION_TERMS))
    throw new Error("the deeper stack of the engine does not work");
}

/**
 * @param {(bytes: Uint8Array) => Buffer} execute
 * @param {string} sql
 */
function runQuery(execute, sql) {
  const response = splitMessages(execute(query(sql)));
  const error = response.find(({ type }) => type === "E");
  if (error) throw new Error(`${sql}: ${errorFields(error.body).get("M")}`);
  return response;
}

/** @param {import('./protocol.mjs').Message[]} response */
function firstValue(response) {
  return response.find(({ type }) => type === "D")?.body.toString("latin1", 6);
}
