"""OpenID Connect Discovery: the issuer is the one setting that leads to every endpoint."""

from typing import TypeVar

import httpx2
import msgspec

from api.auth.errors import IdentityProviderUnavailableError
from api.auth.provider_cache import ProviderCache

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
    """Fetch the document from the provider. Raises one of FETCH_ERRORS."""
    address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    discovery = await read_document(http, address, Discovery)
    if discovery.issuer != issuer:
        message = f"discovery names the issuer {discovery.issuer!r}"
        raise ValueError(message)
    return discovery


async def read_document(http: httpx2.AsyncClient, url: str, kind: type[Document]) -> Document:
    """Fetch and decode a JSON document of the provider. Raises one of FETCH_ERRORS."""
    response = await http.get(url)
    return msgspec.json.decode(response.raise_for_status().content, type=kind)


class DiscoveryCache:
    """Caches the discovery document for an hour, and longer while the provider is unavailable."""

    def __init__(self, issuer: str, http: httpx2.AsyncClient) -> None:
        self._documents = ProviderCache("discovery", lambda: read_discovery(http, issuer))

    async def get(self) -> Discovery:
        """The document. Raises IdentityProviderUnavailableError when it was never fetched."""
        document = await self._documents.get()
        if document is None:
            raise IdentityProviderUnavailableError(
                "The identity provider does not answer, so nobody can sign in. Try again shortly."
            )
        return document

    async def close(self) -> None:
        """Cancel the fetch in progress."""
        await self._documents.close()
