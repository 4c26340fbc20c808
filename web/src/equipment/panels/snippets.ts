import { type ApiRequest, fileRequestOf } from "./requests.ts";

/** A command line that prints the same numbers as CSV. */
export function curlSnippet(request: ApiRequest, origin: string): string {
  const { path, parameters } = fileRequestOf(request, "csv");
  return [
    `curl --fail --get ${shellText(`${origin}${path}`)}`,
    '--header "Authorization: Bearer $TOKEN"',
    ...parameters.map(([name, value]) => `--data-urlencode ${shellText(`${name}=${value}`)}`),
  ].join(" \\\n  ");
}

/** A program that has the same numbers in `rows`, with an access token from the environment. */
export function pythonSnippet(request: ApiRequest, origin: string): string {
  return `${IMPORTS}
token = os.environ["TOKEN"]
${fetchRows(request, origin)}`;
}

/** The same for a machine that gets its token by itself. */
export function pythonClientSnippet(request: ApiRequest, origin: string): string {
  return `${IMPORTS}
granted = httpx.post(
    os.environ["TOKEN_URL"],
    data={"grant_type": "client_credentials"},
    auth=(os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"]),
)
token = granted.raise_for_status().json()["access_token"]
${fetchRows(request, origin)}`;
}

const IMPORTS = `import json
import os

import httpx
`;

function fetchRows(request: ApiRequest, origin: string): string {
  const { path, parameters } = fileRequestOf(request, "ndjson");
  const pairs = parameters.map((pair) => `        (${pair.map(pythonText).join(", ")}),`);
  return `response = httpx.get(
    ${pythonText(`${origin}${path}`)},
    params=[
${pairs.join("\n")}
    ],
    headers={"Authorization": f"Bearer {token}"},
    timeout=60,
)
rows = [json.loads(line) for line in response.raise_for_status().text.splitlines()]
for row in rows:
    print(row)
`;
}

/** In single quotes, in which a shell takes everything as it is. */
function shellText(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A string literal of JSON is one of Python. */
function pythonText(text: string): string {
  return JSON.stringify(text);
}
