"""This platform as an OpenID Connect client: its requests to the provider, by Authlib."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import httpx2
import msgspec
import structlog
from authlib.integrations.base_client import OAuthError

from api.auth.discovery import Discovery, DiscoveryCache
from api.auth.errors import (
    IdentityProviderRefusedError,
    IdentityProviderUnavailableError,
    InvalidSignInError,
)
from api.auth.provider_cache import FETCH_ERRORS
from api.auth.provider_client import OAuthClient
from api.auth.token_encryption import Tokens
from core.settings import AuthSettings

CALLBACK_PATH = "/auth/callback"

logger = structlog.get_logger()


class InvalidGrantError(Exception):
    """The provider rejects this code, password or refresh token (`invalid_grant`, RFC 6749 5.2)."""


class TokenResponse(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is read of a token response, successful or not (RFC 6749 5)."""

    access_token: str | None = None
    refresh_token: str | None = None
    id_token: str | None = None
    error: str | None = None
    error_description: str | None = None


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
        except FETCH_ERRORS as error:
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
            async with self._client(discovery) as client:
                response = await client.fetch_token(
                    discovery.token_endpoint, **parameters, **self._client_authentication(discovery)
                )
            return msgspec.convert(response, Tokens)
        except OAuthError as error:
            if error.error == "invalid_grant":
                raise InvalidGrantError from error
            raise _client_rejected(error) from error
        except FETCH_ERRORS as error:
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
    async def _client(self, discovery: Discovery) -> AsyncIterator[OAuthClient]:
        secret = self._settings.client_secret
        async with OAuthClient(
            self._settings.client_id,
            secret.get_secret_value() if secret else None,
            token_endpoint_auth_method=_auth_method(discovery) if secret else "none",
            revocation_endpoint_auth_method=_auth_method(discovery) if secret else "none",
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
        ) as client:
            client.register_compliance_hook("access_token_response", _reduced)
            yield client


def _auth_method(discovery: Discovery) -> str:
    supported = discovery.token_endpoint_auth_methods_supported
    return "client_secret_basic" if "client_secret_basic" in supported else "client_secret_post"


def _reduced(response: httpx2.Response) -> httpx2.Response:
    """The response with the fields that are read here: Authlib believes the others unchecked."""
    fields = msgspec.json.decode(response.content, type=TokenResponse)
    return httpx2.Response(
        response.status_code, content=msgspec.json.encode(fields), request=response.request
    )


def _client_rejected(error: OAuthError) -> IdentityProviderRefusedError:
    logger.warning("provider refuses this client", error=error.error, cause=error.description)
    return IdentityProviderRefusedError(
        "The identity provider refuses this platform as a client. `sensorflow doctor auth` tells "
        "more."
    )
