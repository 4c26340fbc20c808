"""The provider's discovery document: one setting, the issuer, leads to everything else."""

import time
from asyncio import Lock
from collections.abc import Callable
from typing import TypeVar

import httpx2
import msgspec
import structlog

from api.auth.errors import IdentityProviderUnavailableError

MAX_AGE_SECONDS = 3600.0

logger = structlog.get_logger()

Document = TypeVar("Document")


class Discovery(msgspec.Struct, frozen=True):
    """The part of an OpenID Connect discovery document that is read here."""

    issuer: str
    jwks_uri: str
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    end_session_endpoint: str = ""
    revocation_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    grant_types_supported: tuple[str, ...] = ("authorization_code", "implicit")
    authorization_response_iss_parameter_supported: bool = False


async def read_discovery(http: httpx2.AsyncClient, issuer: str) -> Discovery:
    """The document as the provider serves it now.

    Raises httpx2's errors when it cannot be had, ValueError when it is of another issuer.
    """
    address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    discovery = await read_document(http, address, Discovery)
    if discovery.issuer != issuer:
        message = f"discovery names the issuer {discovery.issuer!r}"
        raise ValueError(message)
    return discovery


async def read_document(http: httpx2.AsyncClient, url: str, kind: type[Document]) -> Document:
    """A JSON document of the provider."""
    response = await http.get(url)
    return msgspec.json.decode(response.raise_for_status().content, type=kind)


class KnownProvider:
    """The discovery document, kept for an hour, and for longer while the provider is away."""

    def __init__(
        self, issuer: str, http: httpx2.AsyncClient, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._issuer = issuer
        self._http = http
        self._clock = clock
        self._lock = Lock()
        self._old_at = float("-inf")
        self._discovery: Discovery | None = None

    async def discovery(self) -> Discovery:
        """The document. Raises IdentityProviderUnavailableError when it was never read."""
        async with self._lock:
            if self._clock() >= self._old_at:
                await self._refresh()
        if self._discovery is None:
            raise IdentityProviderUnavailableError(
                "The identity provider does not answer, so nobody can sign in. Try again shortly."
            )
        return self._discovery

    async def _refresh(self) -> None:
        try:
            self._discovery = await read_discovery(self._http, self._issuer)
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            logger.warning("discovery not read", issuer=self._issuer, cause=repr(error))
        else:
            self._old_at = self._clock() + MAX_AGE_SECONDS
