import { randomBytes } from "node:crypto";

import { findUserBySub } from "./accounts.mjs";
import { memoryAdapter } from "./memory-adapter.mjs";
import { showError, showLogout, showLoggedOut } from "./pages.mjs";

/**
 * @typedef {import("./accounts.mjs").Accounts} Accounts
 * @typedef {import("oidc-provider").Configuration} Configuration
 * @typedef {import("oidc-provider").ClientMetadata} ClientMetadata
 */

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The scopes of OpenID Connect itself, and the claims of each. */
const OIDC_CLAIMS = {
  openid: ["sub"],
  profile: ["name", "preferred_username"],
  email: ["email", "email_verified"],
};

/**
 * @param {Accounts} accounts
 * @param {import("node:crypto").JsonWebKey[]} keys
 * @param {string[]} clientOrigins where browser clients run, such as http://127.0.0.1:8000
 * @returns {Configuration}
 */
export function configuration(accounts, keys, clientOrigins) {
  return {
    adapter: memoryAdapter(),
    claims: OIDC_CLAIMS,
    clientAuthMethods: ["client_secret_basic", "client_secret_post", "none"],
    clientBasedCORS: () => false,
    clients: [
      ...accounts.machineClients.map(machineClientMetadata),
      ...accounts.browserClients.map((client) => browserClientMetadata(client, clientOrigins)),
    ],
    // Otherwise only the userinfo endpoint returns name and address, and it rejects access tokens
    // whose audience is the API.
    conformIdTokenClaims: false,
    cookies: { keys: [randomBytes(32)] },
    features: features(accounts),
    findAccount: (_context, sub) => findAccount(accounts, sub),
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    issueRefreshToken: async (_context, client) => client.grantTypeAllowed("refresh_token"),
    jwks: { keys: /** @type {import("oidc-provider").JWK[]} */ (keys) },
    pkce: { required: () => true },
    renderError: showError,
    responseTypes: ["code"],
    scopes: [...Object.keys(OIDC_CLAIMS), ...Object.keys(accounts.scopes)],
    ttl: {
      AccessToken: HOUR,
      AuthorizationCode: MINUTE,
      ClientCredentials: HOUR,
      Grant: 14 * DAY,
      IdToken: HOUR,
      Interaction: 10 * MINUTE,
      RefreshToken: 14 * DAY,
      Session: 14 * DAY,
    },
  };
}

/**
 * @param {Accounts} accounts
 * @returns {Configuration["features"]}
 */
function features(accounts) {
  return {
    backchannelLogout: { enabled: true },
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: (context, client) => {
        defaultToAllScopes(context, client);
        return accounts.resource;
      },
      getResourceServerInfo: () => apiResourceServer(accounts),
      useGrantedResource: () => true,
    },
    revocation: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: showLogout,
      postLogoutSuccessSource: showLoggedOut,
    },
  };
}

/**
 * Grants a machine client that requests no scope all of its own, as other providers do. The client
 * credentials grant has no hook for this, but reads the parameters only after this one has run.
 * @param {import("oidc-provider").KoaContextWithOIDC} context
 * @param {import("oidc-provider").Client} client
 */
function defaultToAllScopes(context, client) {
  const { params } = context.oidc;
  if (params?.grant_type === "client_credentials") params.scope ??= client.scope;
}

/**
 * The API as the only resource server of access tokens, whether a client names it or not.
 * @param {Accounts} accounts
 * @returns {import("oidc-provider").ResourceServer}
 */
export function apiResourceServer(accounts) {
  return {
    audience: accounts.audience,
    scope: Object.keys(accounts.scopes).join(" "),
    accessTokenFormat: "jwt",
    jwt: { sign: { alg: "RS256" } },
  };
}

/**
 * @param {import("./accounts.mjs").MachineClient} client
 * @returns {ClientMetadata}
 */
function machineClientMetadata(client) {
  return {
    client_id: client.id,
    client_secret: client.secret,
    client_name: client.name,
    grant_types: ["client_credentials"],
    response_types: [],
    redirect_uris: [],
    scope: client.scopes.join(" "),
  };
}

/**
 * @param {import("./accounts.mjs").BrowserClient} client
 * @param {string[]} origins
 * @returns {ClientMetadata}
 */
function browserClientMetadata(client, origins) {
  return {
    client_id: client.id,
    client_name: client.name,
    client_secret: client.secret,
    token_endpoint_auth_method: client.secret ? "client_secret_basic" : "none",
    grant_types: ["authorization_code", "refresh_token", "password"],
    response_types: ["code"],
    redirect_uris: origins.map((origin) => new URL(client.redirectPath, origin).href),
    // One origin is enough for the logout token: all are addresses of one and the same server.
    backchannel_logout_uri: origins[0] && new URL(client.backchannelLogoutPath, origins[0]).href,
    backchannel_logout_session_required: true,
    post_logout_redirect_uris: origins.map((origin) => new URL(client.postLogoutPath, origin).href),
    scope: [...Object.keys(OIDC_CLAIMS), ...client.scopes].join(" "),
  };
}

/**
 * @param {Accounts} accounts
 * @param {string} sub
 * @returns {import("oidc-provider").Account | undefined}
 */
function findAccount(accounts, sub) {
  const user = findUserBySub(accounts.users, sub);
  return (
    user && {
      accountId: sub,
      claims: () => ({
        sub,
        name: user.name,
        preferred_username: user.username,
        email: user.email,
        email_verified: true,
      }),
    }
  );
}
