import { errors } from "oidc-provider";

import { authenticate, findUserBySub } from "./accounts.mjs";
import { readForm } from "./form.mjs";
import { showConsent, showError, showLogin } from "./pages.mjs";

/**
 * @typedef {import("./accounts.mjs").Accounts} Accounts
 * @typedef {import("oidc-provider").default} Provider
 * @typedef {import("oidc-provider").KoaContextWithOIDC} Context
 * @typedef {import("oidc-provider").InteractionResults} Results
 * @typedef {Awaited<ReturnType<Provider["interactionDetails"]>>} Interaction
 */

/**
 * Middleware for the pages between an authorization request and its response: login, then consent.
 * @param {Provider} provider
 * @param {Accounts} accounts
 * @returns {(context: Context, next: () => Promise<void>) => Promise<void>}
 */
export function interactions(provider, accounts) {
  return async (context, next) => {
    if (!context.path.startsWith("/interaction/")) return next();
    try {
      await handleInteraction(provider, context, accounts);
    } catch (error) {
      if (!(error instanceof errors.OIDCProviderError)) throw error;
      context.status = error.statusCode;
      showError(context, error);
    }
  };
}

/**
 * @param {Provider} provider
 * @param {Context} context
 * @param {Accounts} accounts
 */
async function handleInteraction(provider, context, accounts) {
  const interaction = await provider.interactionDetails(context.req, context.res);
  switch (context.method) {
    case "GET":
      return showPrompt(context, interaction, accounts);
    case "POST":
      return submitPrompt(provider, context, interaction, accounts);
    default:
      return context.throw(405);
  }
}

/**
 * @param {Context} context
 * @param {Interaction} interaction
 * @param {Accounts} accounts
 */
function showPrompt(context, interaction, accounts) {
  if (interaction.prompt.name === "login") return showLogin(context);
  const user = signedInUser(interaction, accounts);
  const { granted } = partitionScopes(interaction, accounts, user);
  return showConsent(context, {
    client: clientName(interaction, accounts),
    user: user.name,
    permissions: granted.map((scope) => accounts.scopes[scope] ?? scope),
  });
}

/**
 * @param {Provider} provider
 * @param {Context} context
 * @param {Interaction} interaction
 * @param {Accounts} accounts
 */
async function submitPrompt(provider, context, interaction, accounts) {
  const form = await readForm(context);
  if (form.get("action") === "cancel") return finish(provider, context, ACCESS_DENIED);
  if (interaction.prompt.name === "login") return login(provider, context, form, accounts);
  const grantId = await saveGrant(provider, interaction, accounts);
  return finish(provider, context, { consent: { grantId } });
}

/** @type {Results} */
const ACCESS_DENIED = {
  error: "access_denied",
  error_description: "The user cancelled the sign-in.",
};

/**
 * @param {Provider} provider
 * @param {Context} context
 * @param {Results} results
 */
async function finish(provider, context, results) {
  const { req, res } = context;
  context.status = 303;
  context.redirect(await provider.interactionResult(req, res, results));
}

/**
 * @param {Provider} provider
 * @param {Context} context
 * @param {URLSearchParams} form
 * @param {Accounts} accounts
 */
async function login(provider, context, form, accounts) {
  const username = form.get("username") ?? "";
  const user = authenticate(accounts.users, username, form.get("password") ?? "");
  if (user) return finish(provider, context, { login: { accountId: user.sub } });
  context.status = 401;
  return showLogin(context, { username, error: "Wrong username or password." });
}

/**
 * Adds the scopes that the user consented to to the client's grant; returns the grant's id.
 * @param {Provider} provider
 * @param {Interaction} interaction
 * @param {Accounts} accounts
 */
async function saveGrant(provider, interaction, accounts) {
  const user = signedInUser(interaction, accounts);
  const grant = await findOrCreateGrant(provider, interaction, user.sub);
  const { oidc, granted, rejected } = partitionScopes(interaction, accounts, user);
  grant.addOIDCScope(oidc.join(" "));
  grant.rejectOIDCScope([...granted, ...rejected].join(" "));
  grant.addResourceScope(accounts.resource, granted.join(" "));
  grant.rejectResourceScope(accounts.resource, rejected.join(" "));
  return grant.save();
}

/**
 * @param {Provider} provider
 * @param {Interaction} interaction
 * @param {string} accountId
 */
async function findOrCreateGrant(provider, interaction, accountId) {
  const existing = interaction.grantId && (await provider.Grant.find(interaction.grantId));
  if (existing) return existing;
  return new provider.Grant({ accountId, clientId: String(interaction.params.client_id) });
}

/**
 * The requested scopes: OpenID Connect's, those of the API that the user has, and the others.
 * @param {Interaction} interaction
 * @param {Accounts} accounts
 * @param {import("./accounts.mjs").User} user
 */
function partitionScopes(interaction, accounts, user) {
  const requested = String(interaction.params.scope ?? "").split(" ").filter(Boolean);
  const apiScopes = requested.filter((scope) => scope in accounts.scopes);
  return {
    oidc: requested.filter((scope) => !(scope in accounts.scopes)),
    granted: apiScopes.filter((scope) => user.scopes.includes(scope)),
    rejected: apiScopes.filter((scope) => !user.scopes.includes(scope)),
  };
}

/**
 * @param {Interaction} interaction
 * @param {Accounts} accounts
 */
function signedInUser(interaction, accounts) {
  const user = findUserBySub(accounts.users, interaction.session?.accountId ?? "");
  if (!user) throw new errors.SessionNotFound("nobody is signed in");
  return user;
}

/**
 * @param {Interaction} interaction
 * @param {Accounts} accounts
 */
function clientName(interaction, accounts) {
  const id = interaction.params.client_id;
  return accounts.browserClients.find((client) => client.id === id)?.name ?? String(id);
}
