"""This platform as an OpenID Connect client: its requests to the provider, by Authlib."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import httpx2
import structlog
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from api.auth.discovery import Discovery, DiscoveryCache
from api.auth.errors import (
    IdentityProviderRefusedError,
    IdentityProviderUnavailableError,
    InvalidSignInError,
)
from api.auth.token_encryption import Tokens
from core.settings import AuthSettings

TIMEOUT_SECONDS = 5
CALLBACK_PATH = "/auth/callback"

logger = structlog.get_logger()


class InvalidGrantError(Exception):
    """The provider rejects this code, password or refresh token (`invalid_grant`, RFC 6749 5.2)."""


class OidcClient:
    """Each method sends one request to the provider, or returns the URL of one.

    Raises IdentityProviderUnavailableError when it does not respond, IdentityProviderRefusedError
    when it rejects the client itself.
    """

    def __init__(self, settings: AuthSettings, discovery: DiscoveryCache, public_url: str) -> None:
        self._settings = settings
        self._discovery = discovery
        self._public_url = public_url

    async def authorization_url(self, state: str, nonce: str, code_verifier: str) -> str:
        """The URL of the authorization request, with PKCE."""
        discovery = await self._discovery.get()
        parameters = {
            "state": state,
            "nonce": nonce,
            "code_verifier": code_verifier,
            "scope": self._settings.login_scopes,
        }
        async with self._client(discovery) as client:
            url, _ = client.create_authorization_url(
                discovery.authorization_endpoint, **(self._settings.login_parameters | parameters)
            )
        return str(url)

    async def exchange_code(self, code: str, code_verifier: str) -> Tokens:
        """The tokens for an authorization code. Raises InvalidGrantError."""
        return await self._request_tokens(
            grant_type="authorization_code",
            code=code,
            code_verifier=code_verifier,
            redirect_uri=self._redirect_uri,
        )

    async def exchange_password(self, username: str, password: str) -> Tokens:
        """The tokens for user name and password (password grant). Raises InvalidGrantError."""
        return await self._request_tokens(
            grant_type="password",
            username=username,
            password=password,
            scope=self._settings.login_scopes,
        )

    async def refresh(self, refresh_token: str) -> Tokens:
        """New tokens; those that the provider leaves out stay valid. Raises InvalidGrantError."""
        return await self._request_tokens(grant_type="refresh_token", refresh_token=refresh_token)

    async def revoke(self, refresh_token: str) -> None:
        """Revoke the refresh token at the provider (RFC 7009); a failure is only logged."""
        discovery = await self._discovery.get()
        if not discovery.revocation_endpoint:
            return
        try:
            async with self._client(discovery) as client:
                response = await client.revoke_token(  # type: ignore[no-untyped-call]  # by the stubs
                    discovery.revocation_endpoint,
                    token=refresh_token,
                    token_type_hint="refresh_token",  # noqa: S106  # a kind, not a secret
                )
                response.raise_for_status()
        except (httpx2.HTTPError, ValueError) as error:
            logger.warning("refresh token not revoked", cause=repr(error))

    async def end_session_url(self, id_token: str | None) -> str | None:
        """The URL at which the browser signs out of the provider, if it has such an endpoint."""
        discovery = await self._discovery.get()
        if not discovery.end_session_endpoint:
            return None
        query = {
            "client_id": self._settings.client_id,
            "post_logout_redirect_uri": f"{self._public_url}/",
        }
        if id_token:
            query["id_token_hint"] = id_token
        return f"{discovery.end_session_endpoint}?{urlencode(query)}"

    async def require_own_issuer(self, issuer: str | None) -> None:
        """Check `iss` of an authorization response by RFC 9207. Raises InvalidSignInError."""
        discovery = await self._discovery.get()
        required = discovery.authorization_response_iss_parameter_supported
        if issuer != self._settings.issuer and (required or issuer is not None):
            raise InvalidSignInError("The answer is not of our identity provider. Sign in again.")

    @property
    def _redirect_uri(self) -> str:
        return f"{self._public_url}{CALLBACK_PATH}"

    async def _request_tokens(self, **parameters: str) -> Tokens:
        discovery = await self._discovery.get()
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS), self._client(discovery) as client:
                response = await client.fetch_token(
                    discovery.token_endpoint, **parameters, **self._client_authentication(discovery)
                )
            return _parse_tokens(response)
        except OAuthError as error:
            if error.error == "invalid_grant":
                raise InvalidGrantError from error
            raise _client_rejected(error) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ValueError) as error:
            raise IdentityProviderUnavailableError(
                "The identity provider does not answer. Try again shortly."
            ) from error

    def _client_authentication(self, discovery: Discovery) -> dict[str, Any]:
        """The client's id and secret for the form; nothing where they go into a header.

        Authlib's own way of adding them fails on a form that is not ASCII, as user names may be.
        """
        secret = self._settings.client_secret
        if secret and _auth_method(discovery) == "client_secret_basic":
            return {}
        form = {"client_id": self._settings.client_id, "auth": httpx2.Auth()}
        return form | ({"client_secret": secret.get_secret_value()} if secret else {})

    @asynccontextmanager
    async def _client(self, discovery: Discovery) -> AsyncIterator[AsyncOAuth2Client]:
        secret = self._settings.client_secret
        async with AsyncOAuth2Client(
            self._settings.client_id,
            secret.get_secret_value() if secret else None,
            token_endpoint_auth_method=_auth_method(discovery) if secret else "none",
            revocation_endpoint_auth_method=_auth_method(discovery) if secret else "none",
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
            timeout=TIMEOUT_SECONDS,
        ) as client:
            yield client


def _auth_method(discovery: Discovery) -> str:
    supported = discovery.token_endpoint_auth_methods_supported
    return "client_secret_basic" if "client_secret_basic" in supported else "client_secret_post"


def _parse_tokens(response: Mapping[str, Any]) -> Tokens:
    values = {name: response.get(name) for name in Tokens.__struct_fields__}
    if not isinstance(values["access_token"], str):
        message = "the answer holds no access token"
        raise ValueError(message)  # noqa: TRY004  # the response is wrong, not our call
    return Tokens(**{name: value for name, value in values.items() if isinstance(value, str)})


def _client_rejected(error: OAuthError) -> IdentityProviderRefusedError:
    logger.warning("provider refuses this client", error=error.error, cause=error.description)
    return IdentityProviderRefusedError(
        "The identity provider refuses this platform as a client. `sensorflow doctor auth` tells "
        "more."
    )
