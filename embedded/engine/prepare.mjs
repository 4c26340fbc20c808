/** What happens at every start before the first client: TimescaleDB loaded, the stack proven deep. */
import { query, splitMessages, errorFields } from "./protocol.mjs";

/** Settings that a client is told of when they change, as a native server does. */
export const REPORTED = [
  "application_name",
  "client_encoding",
  "DateStyle",
  "default_transaction_read_only",
  "in_hot_standby",
  "integer_datetimes",
  "IntervalStyle",
  "is_superuser",
  "scram_iterations",
  "server_encoding",
  "server_version",
  "session_authorization",
  "standard_conforming_strings",
  "TimeZone",
];

// Libraries loaded on demand fail in odd places of this build, so all of them are loaded here.
const LOADING = [
  "CREATE EXTENSION IF NOT EXISTS timescaledb",
  "LOAD 'timescaledb'",
  "SELECT time_bucket('1 hour', now())",
  "LOAD 'timescaledb-tsl-2.23.0-dev'",
];

const DEEP_EXPRESSION_TERMS = 2000;

/**
 * @param {(bytes: Uint8Array) => Buffer} run sends messages and returns the answer
 * @throws {Error} when this build does not behave like the tested one
 */
export function prepareDatabase(run) {
  for (const sql of LOADING) execute(run, sql);
  const terms = new Array(DEEP_EXPRESSION_TERMS).fill("1");
  const sum = firstValue(execute(run, `SELECT ${terms.join("+")}`));
  if (sum !== String(DEEP_EXPRESSION_TERMS))
    throw new Error("the deeper stack of the engine does not work");
}

/**
 * @param {(bytes: Uint8Array) => Buffer} run
 * @param {string} sql
 */
function execute(run, sql) {
  const answer = splitMessages(run(query(sql)));
  const error = answer.find(({ type }) => type === "E");
  if (error) throw new Error(`${sql}: ${errorFields(error.body).get("M")}`);
  return answer;
}

/** @param {import('./protocol.mjs').Message[]} answer */
function firstValue(answer) {
  return answer.find(({ type }) => type === "D")?.body.toString("latin1", 6);
}
