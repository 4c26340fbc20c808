import { errors } from "oidc-provider";

import { authenticate, userBySub } from "./accounts.mjs";
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
 * The pages between a client's authorization request and its answer: sign in, then consent.
 * @param {Provider} provider
 * @param {Accounts} accounts
 * @returns {(context: Context, next: () => Promise<void>) => Promise<void>}
 */
export function interactions(provider, accounts) {
  return async (context, next) => {
    if (!context.path.startsWith("/interaction/")) return next();
    try {
      await interact(provider, context, accounts);
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
async function interact(provider, context, accounts) {
  const interaction = await provider.interactionDetails(context.req, context.res);
  switch (context.method) {
    case "GET":
      return show(context, interaction, accounts);
    case "POST":
      return answer(provider, context, interaction, accounts);
    default:
      return context.throw(405);
  }
}

/**
 * @param {Context} context
 * @param {Interaction} interaction
 * @param {Accounts} accounts
 */
function show(context, interaction, accounts) {
  if (interaction.prompt.name === "login") return showLogin(context);
  const user = signedInUser(interaction, accounts);
  const { granted } = judgeScopes(interaction, accounts, user);
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
async function answer(provider, context, interaction, accounts) {
  const form = await readForm(context);
  if (form.get("action") === "cancel") return finish(provider, context, DENIED);
  if (interaction.prompt.name === "login") return login(provider, context, form, accounts);
  const grantId = await grant(provider, interaction, accounts);
  return finish(provider, context, { consent: { grantId } });
}

/** @type {Results} */
const DENIED = { error: "access_denied", error_description: "The user cancelled the sign-in." };

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
 * Records what the user consented to, on top of what this client had before; its id comes back.
 * @param {Provider} provider
 * @param {Interaction} interaction
 * @param {Accounts} accounts
 */
async function grant(provider, interaction, accounts) {
  const user = signedInUser(interaction, accounts);
  const record = await openGrant(provider, interaction, user.sub);
  const { identity, granted, refused } = judgeScopes(interaction, accounts, user);
  record.addOIDCScope(identity.join(" "));
  record.rejectOIDCScope([...granted, ...refused].join(" "));
  record.addResourceScope(accounts.resource, granted.join(" "));
  record.rejectResourceScope(accounts.resource, refused.join(" "));
  return record.save();
}

/**
 * @param {Provider} provider
 * @param {Interaction} interaction
 * @param {string} accountId
 */
async function openGrant(provider, interaction, accountId) {
  const present = interaction.grantId && (await provider.Grant.find(interaction.grantId));
  return present || new provider.Grant({ accountId, clientId: String(interaction.params.client_id) });
}

/**
 * What was asked for, parted into the identity, what this user holds, and what the user does not.
 * @param {Interaction} interaction
 * @param {Accounts} accounts
 * @param {import("./accounts.mjs").User} user
 */
function judgeScopes(interaction, accounts, user) {
  const asked = String(interaction.params.scope ?? "").split(" ").filter(Boolean);
  const ofApi = asked.filter((scope) => scope in accounts.scopes);
  return {
    identity: asked.filter((scope) => !(scope in accounts.scopes)),
    granted: ofApi.filter((scope) => user.scopes.includes(scope)),
    refused: ofApi.filter((scope) => !user.scopes.includes(scope)),
  };
}

/**
 * @param {Interaction} interaction
 * @param {Accounts} accounts
 */
function signedInUser(interaction, accounts) {
  const user = userBySub(accounts.users, interaction.session?.accountId ?? "");
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
