"""OpenID Connect Discovery: the issuer is the one setting that leads to every endpoint."""

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
    """Fetch the document from the provider.

    Raises httpx2's errors when it cannot be fetched, ValueError when it names another issuer.
    """
    address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    discovery = await read_document(http, address, Discovery)
    if discovery.issuer != issuer:
        message = f"discovery names the issuer {discovery.issuer!r}"
        raise ValueError(message)
    return discovery


async def read_document(http: httpx2.AsyncClient, url: str, kind: type[Document]) -> Document:
    """Fetch and decode a JSON document of the provider."""
    response = await http.get(url)
    return msgspec.json.decode(response.raise_for_status().content, type=kind)


class DiscoveryCache:
    """Caches the discovery document for an hour, and longer while the provider is unavailable."""

    def __init__(
        self, issuer: str, http: httpx2.AsyncClient, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._issuer = issuer
        self._http = http
        self._clock = clock
        self._lock = Lock()
        self._stale_at = float("-inf")
        self._document: Discovery | None = None

    async def get(self) -> Discovery:
        """The document. Raises IdentityProviderUnavailableError when it was never fetched."""
        async with self._lock:
            if self._clock() >= self._stale_at:
                await self._refresh()
        if self._document is None:
            raise IdentityProviderUnavailableError(
                "The identity provider does not answer, so nobody can sign in. Try again shortly."
            )
        return self._document

    async def _refresh(self) -> None:
        try:
            self._document = await read_discovery(self._http, self._issuer)
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            logger.warning("discovery not read", issuer=self._issuer, cause=repr(error))
        else:
            self._stale_at = self._clock() + MAX_AGE_SECONDS
