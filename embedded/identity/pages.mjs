import { createHash } from "node:crypto";

/** @typedef {import("oidc-provider").KoaContextWithOIDC} Context */

const STYLE = `
:root { color-scheme: light dark; --ink: #16202a; --soft: #5a6876; --paper: #fff; --ground: #eef2f5;
  --line: #c3ccd5; --accent: #0b6b75; --on-accent: #fff; --alarm: #a4262c; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8edf1; --soft: #9fb0bf; --paper: #1a232c; --ground: #10171d; --line: #3c4a57;
    --accent: #4fc0cb; --on-accent: #08272b; --alarm: #ff9a9e; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem;
  background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 24rem; padding: 2rem; background: var(--paper);
  border: 1px solid var(--line); border-radius: .75rem; }
.brand { margin: 0 0 1.25rem; color: var(--accent); font-weight: 600; letter-spacing: .02em; }
h1 { margin: 0 0 1rem; font-size: 1.375rem; line-height: 1.25; }
label { display: block; margin: 1rem 0 .25rem; font-weight: 600; }
input { width: 100%; padding: .625rem .75rem; border: 1px solid var(--line); border-radius: .375rem;
  background: transparent; color: inherit; font: inherit; }
ul { margin: 0; padding-left: 1.25rem; }
.actions { display: flex; flex-direction: row-reverse; gap: .75rem; margin-top: 1.75rem; }
button { flex: 1; padding: .625rem 1rem; border: 1px solid var(--accent); border-radius: .375rem;
  background: transparent; color: var(--accent); font: inherit; font-weight: 600; cursor: pointer; }
button.primary { background: var(--accent); color: var(--on-accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.error { margin: 0 0 1rem; color: var(--alarm); font-weight: 600; }
.note { margin: 1.75rem 0 0; color: var(--soft); font-size: .875rem; }
`;

const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");
// No form-action: browsers apply it to the redirect after the form too, which leads to the client.
const CONTENT_SECURITY_POLICY =
  `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; ` +
  "base-uri 'none'; frame-ancestors 'none'";

/** Text that is HTML already, so that it is not escaped again. */
class Markup {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }
}

/** @type {Record<string, string>} */
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/**
 * A tag for template literals: values are escaped, unless they are markup.
 * @param {TemplateStringsArray} strings
 * @param {(string | Markup | Markup[])[]} values
 */
function html(strings, ...values) {
  return new Markup(String.raw({ raw: strings }, ...values.map(render)));
}

/**
 * @param {string | Markup | Markup[]} value
 * @returns {string}
 */
function render(value) {
  if (Array.isArray(value)) return value.map(render).join("");
  if (value instanceof Markup) return value.text;
  return value.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/**
 * @param {Context} context
 * @param {string} title
 * @param {Markup} content
 */
function showPage(context, title, content) {
  context.type = "html";
  context.set({
    "Cache-Control": "no-store",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
  });
  context.body = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Sensor Flow</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<main>
<p class="brand">Sensor Flow</p>
<h1>${title}</h1>
${content}
<p class="note">Development identity provider. Its passwords are public.</p>
</main>
</body>
</html>
`.text;
}

/**
 * @param {Context} context
 * @param {{username: string, error: string}} [failed] the failed attempt that this page follows
 */
export function showLogin(context, failed) {
  const error = failed
    ? html`<p class="error" id="error" role="alert">${failed.error}</p>`
    : html``;
  const errorAttributes = failed ? html` aria-invalid="true" aria-describedby="error"` : html``;
  showPage(
    context,
    "Sign in",
    html`${error}<form method="post">
<label for="username">Username</label>
<input id="username" name="username" value="${failed?.username ?? ""}" autocomplete="username"
  autocapitalize="none" spellcheck="false" required${errorAttributes}${autofocus(!failed)}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password"
  required${errorAttributes}${autofocus(Boolean(failed))}>
<div class="actions">
<button class="primary" name="action" value="continue">Sign in</button>
<button name="action" value="cancel" formnovalidate>Cancel</button>
</div>
</form>`,
  );
}

/** @param {boolean} enabled */
function autofocus(enabled) {
  return enabled ? html` autofocus` : html``;
}

/**
 * @param {Context} context
 * @param {{client: string, user: string, permissions: string[]}} request
 */
export function showConsent(context, { client, user, permissions }) {
  const list = permissions.map((permission) => html`<li>${permission}</li>`);
  showPage(
    context,
    `Allow ${client}?`,
    html`<p>${client} asks to act for ${user}, who may:</p>
<ul>${list.length ? list : html`<li>Be known by name and address</li>`}</ul>
<form method="post" class="actions">
<button class="primary" name="action" value="continue" autofocus>Allow</button>
<button name="action" value="cancel">Deny</button>
</form>`,
  );
}

/**
 * @param {Context} context
 * @param {string} form the provider's own form, which the buttons submit
 */
export function showLogout(context, form) {
  showPage(
    context,
    "Sign out?",
    html`${new Markup(form)}<div class="actions">
<button class="primary" form="op.logoutForm" name="logout" value="yes" autofocus>Sign out</button>
<button form="op.logoutForm">Stay signed in</button>
</div>`,
  );
}

/** @param {Context} context */
export function showLoggedOut(context) {
  showPage(context, "Signed out", html`<p>You can close this page.</p>`);
}

/**
 * @param {Context} context
 * @param {import("oidc-provider").ErrorOut} error
 */
export function showError(context, error) {
  showPage(
    context,
    "This did not work",
    html`<p class="error">${error.error_description ?? error.error}</p>
<p>Go back to where you came from and sign in again. (${error.error})</p>`,
  );
}
