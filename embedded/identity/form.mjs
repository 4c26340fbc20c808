const MAX_BYTES = 16_384;

/**
 * The fields of a form in the request body; throws 413 if the body is too long for one.
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
