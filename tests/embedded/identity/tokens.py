import time
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet

GATEWAY = ("sensor-gateway", "sensor-gateway-secret")
GATEWAY_SCOPES = "readings:write readings:read imports:write imports:read"


def request_token(
    http: httpx.Client, auth: tuple[str, str] | None = GATEWAY, **fields: str
) -> httpx.Response:
    data = {"grant_type": "client_credentials", **fields}
    return http.post("/token", data=data, auth=auth) if auth else http.post("/token", data=data)


def gateway_token(http: httpx.Client, **fields: str) -> str:
    response = request_token(http, GATEWAY, **fields)
    assert response.status_code == 200, response.text
    return str(response.json()["access_token"])


def signing_keys(http: httpx.Client) -> KeySet:
    return KeySet.import_key_set(http.get("/jwks").json())


def verify(http: httpx.Client, token: str) -> jwt.Token:
    """The token, if it is signed with a current key of the provider and has not expired."""
    decoded = jwt.decode(token, signing_keys(http), algorithms=["RS256"])
    assert decoded.claims["exp"] > time.time() >= decoded.claims["iat"] - 1
    return decoded


def claims(http: httpx.Client, token: str) -> dict[str, Any]:
    return dict(verify(http, token).claims)
