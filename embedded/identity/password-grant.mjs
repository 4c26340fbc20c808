import { errors } from "oidc-provider";

import { authenticate } from "./accounts.mjs";
import { apiResourceServer } from "./configuration.mjs";

/**
 * @typedef {import("./accounts.mjs").Accounts} Accounts
 * @typedef {import("./accounts.mjs").User} User
 * @typedef {import("oidc-provider").default} Provider
 * @typedef {import("oidc-provider").KoaContextWithOIDC} Context
 * @typedef {import("oidc-provider").Client} Client
 * @typedef {{client: Client, user: User, oidcScopes: string[], apiScopes: string[]}} TokenRequest
 */

const GRANT_TYPE = "password";

/**
 * Registers the resource owner password credentials grant (RFC 6749, 4.3), which other providers
 * have too, for the clients that may use it.
 * @param {Provider} provider
 * @param {Accounts} accounts
 */
export function registerPasswordGrant(provider, accounts) {
  provider.registerGrantType(
    GRANT_TYPE,
    async (context, next) => {
      const request = validateRequest(context, accounts);
      const grantId = await saveGrant(provider, request, accounts);
      context.body = await issueTokens(provider, context, request, grantId, accounts);
      await next();
    },
    ["username", "password", "scope"],
  );
}

/**
 * @param {Context} context
 * @param {Accounts} accounts
 * @returns {TokenRequest}
 */
function validateRequest(context, accounts) {
  const { username, password, scope } = /** @type {Record<string, string | undefined>} */ (
    context.oidc.params
  );
  const user = authenticate(accounts.users, username ?? "", password ?? "");
  if (!user) throw new errors.InvalidGrant("wrong username or password");
  const client = /** @type {Client} */ (context.oidc.client);
  const allowed = (client.scope ?? "").split(" ");
  const requested = (scope ?? "").split(" ").filter((name) => allowed.includes(name));
  return {
    client,
    user,
    oidcScopes: requested.filter((name) => !(name in accounts.scopes)),
    apiScopes: requested.filter((name) => user.scopes.includes(name)),
  };
}

/**
 * @param {Provider} provider
 * @param {TokenRequest} request
 * @param {Accounts} accounts
 */
async function saveGrant(provider, { client, user, oidcScopes, apiScopes }, accounts) {
  const grant = new provider.Grant({ accountId: user.sub, clientId: client.clientId });
  grant.addOIDCScope(oidcScopes.join(" "));
  grant.addResourceScope(accounts.resource, apiScopes.join(" "));
  return grant.save();
}

/**
 * @param {Provider} provider
 * @param {Context} context
 * @param {TokenRequest} request
 * @param {string} grantId
 * @param {Accounts} accounts
 */
async function issueTokens(provider, context, request, grantId, accounts) {
  const { client, user, oidcScopes, apiScopes } = request;
  const common = { client, accountId: user.sub, grantId, gty: GRANT_TYPE };
  const accessToken = new provider.AccessToken({ ...common, scope: apiScopes.join(" ") });
  accessToken.resourceServer = resourceServer(provider, accounts);
  const accessTokenJwt = await accessToken.save();
  const scope = [...oidcScopes, ...apiScopes].join(" ");
  const refreshToken = new provider.RefreshToken({
    ...common,
    scope,
    resource: accounts.resource,
    authTime: Math.floor(Date.now() / 1000),
  });
  const idToken = oidcScopes.includes("openid")
    ? await issueIdToken(provider, context, user, accessTokenJwt)
    : undefined;
  return {
    access_token: accessTokenJwt,
    expires_in: accessToken.expiration,
    id_token: idToken,
    refresh_token: await refreshToken.save(),
    scope,
    token_type: "Bearer",
  };
}

/**
 * @param {Provider} provider
 * @param {Context} context
 * @param {User} user
 * @param {string} accessToken
 */
async function issueIdToken(provider, context, user, accessToken) {
  const claims = { sub: user.sub, preferred_username: user.username, name: user.name };
  const token = new provider.IdToken(claims, { ctx: context });
  Object.assign(token, { scope: "openid profile" });
  token.set("at_hash", accessToken);
  return token.issue({ use: "idtoken" });
}

/**
 * The API as a resource server of an access token. The class is missing from the published types.
 * @param {Provider} provider
 * @param {Accounts} accounts
 */
function resourceServer(provider, accounts) {
  const { ResourceServer } = /** @type {any} */ (provider);
  return new ResourceServer(accounts.resource, apiResourceServer(accounts));
}
