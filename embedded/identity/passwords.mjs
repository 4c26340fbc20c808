import { errors } from "oidc-provider";

import { authenticate } from "./accounts.mjs";
import { apiServer } from "./configuration.mjs";

/**
 * @typedef {import("./accounts.mjs").Accounts} Accounts
 * @typedef {import("./accounts.mjs").User} User
 * @typedef {import("oidc-provider").default} Provider
 * @typedef {import("oidc-provider").KoaContextWithOIDC} Context
 * @typedef {import("oidc-provider").Client} Client
 * @typedef {{client: Client, user: User, identity: string[], ofApi: string[]}} Request
 */

const GRANT = "password";

/**
 * Take a user's name and password from clients that may send them (RFC 6749, 4.3), as other
 * providers can be told to.
 * @param {Provider} provider
 * @param {Accounts} accounts
 */
export function acceptPasswords(provider, accounts) {
  provider.registerGrantType(
    GRANT,
    async (context, next) => {
      const request = judge(context, accounts);
      const grantId = await saveGrant(provider, request, accounts);
      context.body = await tokens(provider, context, request, grantId, accounts);
      await next();
    },
    ["username", "password", "scope"],
  );
}

/**
 * @param {Context} context
 * @param {Accounts} accounts
 * @returns {Request}
 */
function judge(context, accounts) {
  const { username, password, scope } = /** @type {Record<string, string | undefined>} */ (
    context.oidc.params
  );
  const user = authenticate(accounts.users, username ?? "", password ?? "");
  if (!user) throw new errors.InvalidGrant("wrong username or password");
  const client = /** @type {Client} */ (context.oidc.client);
  const allowed = (client.scope ?? "").split(" ");
  const asked = (scope ?? "").split(" ").filter((name) => allowed.includes(name));
  return {
    client,
    user,
    identity: asked.filter((name) => !(name in accounts.scopes)),
    ofApi: asked.filter((name) => user.scopes.includes(name)),
  };
}

/**
 * @param {Provider} provider
 * @param {Request} request
 * @param {Accounts} accounts
 */
async function saveGrant(provider, { client, user, identity, ofApi }, accounts) {
  const grant = new provider.Grant({ accountId: user.sub, clientId: client.clientId });
  grant.addOIDCScope(identity.join(" "));
  grant.addResourceScope(accounts.resource, ofApi.join(" "));
  return grant.save();
}

/**
 * @param {Provider} provider
 * @param {Context} context
 * @param {Request} request
 * @param {string} grantId
 * @param {Accounts} accounts
 */
async function tokens(provider, context, { client, user, identity, ofApi }, grantId, accounts) {
  const common = { client, accountId: user.sub, grantId, gty: GRANT };
  const access = new provider.AccessToken({ ...common, scope: ofApi.join(" ") });
  access.resourceServer = resourceServer(provider, accounts);
  const accessToken = await access.save();
  const all = [...identity, ...ofApi].join(" ");
  const refresh = new provider.RefreshToken({
    ...common,
    scope: all,
    resource: accounts.resource,
    authTime: Math.floor(Date.now() / 1000),
  });
  const wantsIdentity = identity.includes("openid");
  return {
    access_token: accessToken,
    expires_in: access.expiration,
    id_token: wantsIdentity ? await idToken(provider, context, user, accessToken) : undefined,
    refresh_token: await refresh.save(),
    scope: all,
    token_type: "Bearer",
  };
}

/**
 * @param {Provider} provider
 * @param {Context} context
 * @param {User} user
 * @param {string} accessToken
 */
async function idToken(provider, context, user, accessToken) {
  const claims = { sub: user.sub, preferred_username: user.username, name: user.name };
  const token = new provider.IdToken(claims, { ctx: context });
  Object.assign(token, { scope: "openid profile" });
  token.set("at_hash", accessToken);
  return token.issue({ use: "idtoken" });
}

/**
 * The class is missing from the published types.
 * @param {Provider} provider
 * @param {Accounts} accounts
 */
function resourceServer(provider, accounts) {
  const { ResourceServer } = /** @type {any} */ (provider);
  return new ResourceServer(accounts.resource, apiServer(accounts));
}
