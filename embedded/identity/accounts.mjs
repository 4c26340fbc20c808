import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";

/**
 * @typedef {{sub: string, username: string, password: string, name: string, email: string,
 *   scopes: string[]}} User
 * @typedef {{id: string, secret: string, name: string, scopes: string[]}} MachineClient
 * @typedef {{id: string, secret?: string, name: string, redirectPath: string,
 *   postLogoutPath: string, backchannelLogoutPath: string, scopes: string[]}} BrowserClient
 * @typedef {{resource: string, audience: string, scopes: Record<string, string>, users: User[],
 *   machineClients: MachineClient[], browserClients: BrowserClient[]}} Accounts
 */

/**
 * Reads the users, the clients and the scopes that they may request.
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
export function findUserBySub(users, sub) {
  return users.find((user) => user.sub === sub);
}

/**
 * The user with this name and password, if any.
 * @param {User[]} users
 * @param {string} username
 * @param {string} password
 */
export function authenticate(users, username, password) {
  return users.find(
    (user) => user.username === username && timingSafeEquals(user.password, password),
  );
}

/**
 * Compares in a time that does not depend on how much is equal.
 * @param {string} expected
 * @param {string} actual
 */
function timingSafeEquals(expected, actual) {
  return timingSafeEqual(digest(expected), digest(actual));
}

/** @param {string} text */
function digest(text) {
  return createHash("sha256").update(text).digest();
}
