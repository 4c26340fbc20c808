"""This platform as a client of the provider: the requests of a sign-in, by Authlib."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import httpx2
import structlog
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from api.auth.discovery import Discovery, KnownProvider
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


class GrantRefusedError(Exception):
    """The provider does not take this code, password or refresh token."""


class OidcClient:
    """Each method is one request to the provider, or the address of one.

    Raises IdentityProviderUnavailableError when it does not answer, IdentityProviderRefusedError
    when it refuses the client itself.
    """

    def __init__(self, settings: AuthSettings, provider: KnownProvider, public_url: str) -> None:
        self._settings = settings
        self._provider = provider
        self._public_url = public_url

    async def authorization_url(self, state: str, nonce: str, code_verifier: str) -> str:
        """Where the browser signs in."""
        discovery = await self._provider.discovery()
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

    async def redeem_code(self, code: str, code_verifier: str) -> Tokens:
        """The tokens for a code. Raises GrantRefusedError."""
        return await self._fetch(
            grant_type="authorization_code",
            code=code,
            code_verifier=code_verifier,
            redirect_uri=self._redirect_uri,
        )

    async def redeem_password(self, username: str, password: str) -> Tokens:
        """The tokens for a user's password. Raises GrantRefusedError."""
        return await self._fetch(
            grant_type="password",
            username=username,
            password=password,
            scope=self._settings.login_scopes,
        )

    async def refresh(self, refresh_token: str) -> Tokens:
        """Newer tokens; what the provider leaves out stays as it is. Raises GrantRefusedError."""
        return await self._fetch(grant_type="refresh_token", refresh_token=refresh_token)

    async def revoke(self, refresh_token: str) -> None:
        """Ask the provider to forget the grant; that it does not is logged and no more."""
        discovery = await self._provider.discovery()
        if not discovery.revocation_endpoint:
            return
        try:
            async with self._client(discovery) as client:
                answer = await client.revoke_token(  # type: ignore[no-untyped-call]  # by the stubs
                    discovery.revocation_endpoint,
                    token=refresh_token,
                    token_type_hint="refresh_token",  # noqa: S106  # a kind, not a secret
                )
                answer.raise_for_status()
        except (httpx2.HTTPError, ValueError) as error:
            logger.warning("refresh token not revoked", cause=repr(error))

    async def end_session_url(self, id_token: str | None) -> str | None:
        """Where the browser signs out of the provider too, if that has such a page."""
        discovery = await self._provider.discovery()
        if not discovery.end_session_endpoint:
            return None
        query = {
            "client_id": self._settings.client_id,
            "post_logout_redirect_uri": f"{self._public_url}/",
        }
        if id_token:
            query["id_token_hint"] = id_token
        return f"{discovery.end_session_endpoint}?{urlencode(query)}"

    async def require_answer_of(self, issuer: str | None) -> None:
        """Raise InvalidSignInError unless the answer comes from our provider, by RFC 9207."""
        discovery = await self._provider.discovery()
        required = discovery.authorization_response_iss_parameter_supported
        if issuer != self._settings.issuer and (required or issuer is not None):
            raise InvalidSignInError("The answer is not of our identity provider. Sign in again.")

    @property
    def _redirect_uri(self) -> str:
        return f"{self._public_url}{CALLBACK_PATH}"

    async def _fetch(self, **parameters: str) -> Tokens:
        discovery = await self._provider.discovery()
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS), self._client(discovery) as client:
                answer = await client.fetch_token(
                    discovery.token_endpoint, **parameters, **self._credentials(discovery)
                )
            return _tokens(answer)
        except OAuthError as error:
            if error.error == "invalid_grant":
                raise GrantRefusedError from error
            raise _refused(error) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ValueError) as error:
            raise IdentityProviderUnavailableError(
                "The identity provider does not answer. Try again shortly."
            ) from error

    def _credentials(self, discovery: Discovery) -> dict[str, Any]:
        """What proves this client, if it goes into the form.

        Authlib's own way of adding it fails on a form that is not ASCII, as users' names may be.
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


def _tokens(answer: Mapping[str, Any]) -> Tokens:
    found = {name: answer.get(name) for name in Tokens.__struct_fields__}
    if not isinstance(found["access_token"], str):
        message = "the answer holds no access token"
        raise ValueError(message)  # noqa: TRY004  # the answer is wrong, not our call
    return Tokens(**{name: value for name, value in found.items() if isinstance(value, str)})


def _refused(error: OAuthError) -> IdentityProviderRefusedError:
    logger.warning("provider refuses this client", error=error.error, cause=error.description)
    return IdentityProviderRefusedError(
        "The identity provider refuses this platform as a client. `sensorflow doctor auth` tells "
        "more."
    )
