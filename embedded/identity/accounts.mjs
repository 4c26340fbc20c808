import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";

/**
 * @typedef {{sub: string, username: string, password: string, name: string, email: string,
 *   scopes: string[]}} User
 * @typedef {{id: string, secret: string, name: string, scopes: string[]}} MachineClient
 * @typedef {{id: string, secret?: string, name: string, redirectPath: string, postLogoutPath: string,
 *   backchannelLogoutPath: string, scopes: string[]}} BrowserClient
 * @typedef {{resource: string, audience: string, scopes: Record<string, string>, users: User[],
 *   machineClients: MachineClient[], browserClients: BrowserClient[]}} Accounts
 */

/**
 * Who may sign in, and to what: the one file that says so.
 * @param {string | URL} path
 * @returns {Accounts}
 */
export function readAccounts(path = new URL("accounts.json", import.meta.url)) {
  return JSON.parse(readFileSync(path, "utf8"));
}

/**
 * @param {User[]} users
 * @param {string} sub
 */
export function userBySub(users, sub) {
  return users.find((user) => user.sub === sub);
}

/**
 * The user whose name and password these are, if any.
 * @param {User[]} users
 * @param {string} username
 * @param {string} password
 */
export function authenticate(users, username, password) {
  return users.find((user) => user.username === username && isSame(user.password, password));
}

/**
 * Compares without telling by its duration how much is equal.
 * @param {string} expected
 * @param {string} given
 */
function isSame(expected, given) {
  return timingSafeEqual(digest(expected), digest(given));
}

/** @param {string} text */
function digest(text) {
  return createHash("sha256").update(text).digest();
}
