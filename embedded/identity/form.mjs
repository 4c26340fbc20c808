const MAX_BYTES = 16_384;

/**
 * The fields of a form in a request's body; throws 413 if that is longer than such a form can be.
 * @param {import("oidc-provider").KoaContextWithOIDC} context
 */
export async function readForm(context) {
  /** @type {Buffer[]} */
  const chunks = [];
  let size = 0;
  for await (const chunk of context.req) {
    size += chunk.length;
    if (size > MAX_BYTES) context.throw(413);
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString("utf8"));
}
