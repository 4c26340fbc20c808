"""Authentication at a server: a token from the environment, or one by client credentials."""

from collections.abc import AsyncGenerator
from functools import partial

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oauth2.rfc6749 import OAuth2Token
from pydantic import SecretStr

from api.auth.discovery import read_discovery
from cli.imports.errors import AccessRefusedError, UsageError
from core.settings import ClientSettings

TIMEOUT_SECONDS = 10


def client_auth(settings: ClientSettings) -> httpx2.Auth:
    """Sets a bearer token on every request. Raises UsageError."""
    if settings.token:
        return BearerAuth(settings.token)
    if settings.issuer and settings.id and settings.secret:
        return ClientCredentialsAuth(settings.issuer, settings.id, settings.secret, settings.scope)
    raise UsageError(
        "The server has to know who sends it files. Set SENSORFLOW_CLIENT_ISSUER, "
        "SENSORFLOW_CLIENT_ID and SENSORFLOW_CLIENT_SECRET, or SENSORFLOW_CLIENT_TOKEN. "
        "See docs/imports.md."
    )


class BearerAuth(httpx2.Auth):
    """A token from the environment."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token

    async def async_auth_flow(
        self, request: httpx2.Request
    ) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """The request with the token."""
        request.headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        yield request


class ClientCredentialsAuth(httpx2.Auth):
    """The OAuth client credentials grant; requests a new token before the old one expires.

    Authlib's own client would read each request's body into memory before it is sent.
    """

    def __init__(self, issuer: str, client_id: str, secret: SecretStr, scope: str) -> None:
        self._issuer = issuer
        self._client = partial(
            AsyncOAuth2Client,
            client_id,
            secret.get_secret_value(),
            scope=scope,
            timeout=TIMEOUT_SECONDS,
        )
        self._token: OAuth2Token | None = None

    async def async_auth_flow(
        self, request: httpx2.Request
    ) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """The request with a token that has not expired. Raises AccessRefusedError."""
        if self._token is None or self._token.is_expired():
            self._token = await self._request_token()
        request.headers["Authorization"] = f"Bearer {self._token['access_token']}"
        yield request

    async def _request_token(self) -> OAuth2Token:
        try:
            async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS) as http:
                discovery = await read_discovery(http, self._issuer)
            async with self._client() as client:
                return OAuth2Token(
                    await client.fetch_token(
                        discovery.token_endpoint, grant_type="client_credentials"
                    )
                )
        except (OAuthError, httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise AccessRefusedError(
                f"No token from {self._issuer}: {error}. Check SENSORFLOW_CLIENT_ISSUER, "
                "SENSORFLOW_CLIENT_ID, SENSORFLOW_CLIENT_SECRET and SENSORFLOW_CLIENT_SCOPE."
            ) from error
