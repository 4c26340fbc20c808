/**
 * A development identity provider on the loopback interface, with the accounts of accounts.json.
 * Its passwords and secrets are published with the source: never for production.
 *
 *   node main.mjs --port 8081 --keys data/identity/keys.json --client-origin http://127.0.0.1:8000
 *
 * It starts and stops by ../supervision.mjs; the ready line carries `issuer`.
 */

import { createServer } from "node:http";
import { parseArgs } from "node:util";

import Provider from "oidc-provider";

import { announceReady, announceError, exitWithParent, stopWithParent } from "../supervision.mjs";
import { readAccounts } from "./accounts.mjs";
import { configuration } from "./configuration.mjs";
import { interactions } from "./interactions.mjs";
import { loadSigningKeys } from "./signing-keys.mjs";
import { registerPasswordGrant } from "./password-grant.mjs";

const HOST = "127.0.0.1";

const { values: options } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    accounts: { type: "string" },
    keys: { type: "string" },
    "client-origin": { type: "string", multiple: true, default: [] },
    "rotate-keys": { type: "boolean", default: false },
  },
});

exitWithParent();
const server = createServer();
server.once("error", failStart);
server.listen(Number(options.port), HOST, start);

/** @param {NodeJS.ErrnoException} error */
function failStart(error) {
  if (error.code === "EADDRINUSE") {
    const remedy = "set SENSORFLOW_IDP_PORT to another";
    announceError("port_taken", `Port ${options.port} is taken; ${remedy}.`);
  } else {
    announceError(error.code ?? "failed", `${error.message}.`);
  }
}

function start() {
  try {
    const issuer = serve();
    stopWithParent(stop);
    announceReady({ issuer });
    const warning = "its passwords are public";
    console.error(`Identity provider for development only, at ${issuer}: ${warning}.`);
  } catch (error) {
    server.close();
    failStart(/** @type {NodeJS.ErrnoException} */ (error));
  }
}

/** @returns {string} the issuer, known only once the port is */
function serve() {
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const issuer = `http://${HOST}:${port}`;
  const accounts = readAccounts(options.accounts);
  const keys = loadSigningKeys(requiredKeysPath(), { rotate: options["rotate-keys"] });
  const provider = new Provider(issuer, configuration(accounts, keys, options["client-origin"]));
  registerPasswordGrant(provider, accounts);
  provider.use(interactions(provider, accounts));
  provider.on("server_error", (_context, error) => console.error(error));
  server.on("request", provider.callback());
  return issuer;
}

function requiredKeysPath() {
  if (!options.keys) throw new Error("--keys is missing");
  return options.keys;
}

function stop() {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  return closed;
}
