/**
 * A development identity provider on the loopback interface, with the accounts of accounts.json.
 * Its passwords and secrets are published with the source: never for production.
 *
 *   node main.mjs --port 8081 --keys data/identity/keys.json --client-origin http://127.0.0.1:8000
 *
 * Its side of the start and stop is in ../supervision.mjs; the ready line carries `issuer`.
 */

import { createServer } from "node:http";
import { parseArgs } from "node:util";

import Provider from "oidc-provider";

import { announceReady, refuseToStart, stopWithParent } from "../supervision.mjs";
import { readAccounts } from "./accounts.mjs";
import { configuration } from "./configuration.mjs";
import { interactions } from "./interactions.mjs";
import { loadSigningKeys } from "./keys.mjs";
import { acceptPasswords } from "./passwords.mjs";

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

const server = createServer();
server.once("error", refuse);
server.listen(Number(options.port), HOST, start);

/** @param {NodeJS.ErrnoException} error */
function refuse(error) {
  if (error.code === "EADDRINUSE") {
    refuseToStart("port_taken", `Port ${options.port} is taken; set SENSORFLOW_IDP_PORT to another.`);
  } else {
    refuseToStart(error.code ?? "failed", `${error.message}.`);
  }
}

function start() {
  try {
    const issuer = serve();
    stopWithParent(stop);
    announceReady({ issuer });
    console.error(`Identity provider for development only, at ${issuer}: its passwords are public.`);
  } catch (error) {
    server.close();
    refuse(/** @type {NodeJS.ErrnoException} */ (error));
  }
}

/** @returns {string} the issuer, known only once the port is */
function serve() {
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const issuer = `http://${HOST}:${port}`;
  const accounts = readAccounts(options.accounts);
  const keys = loadSigningKeys(requiredKeysPath(), { rotate: options["rotate-keys"] });
  const provider = new Provider(issuer, configuration(accounts, keys, options["client-origin"]));
  acceptPasswords(provider, accounts);
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
