"""The identity provider's signing keys (JWKS), fetched through its discovery document."""

import time
from typing import Any
from warnings import catch_warnings

import httpx2
import msgspec
import structlog
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import Key, import_key

from api.auth.discovery import read_discovery, read_document
from api.auth.errors import IdentityProviderUnavailableError
from api.auth.provider_cache import Clock, ProviderCache

MAX_KEYS = 100  # importing one takes a tenth of a millisecond, during which no request is served

SIGNING_KEY_TYPES = ("RSA", "EC")

logger = structlog.get_logger()


class JwkSet(msgspec.Struct):
    """A JWK Set (RFC 7517) as served, its keys not parsed."""

    keys: list[dict[str, Any]]


class JwksCache:
    """Caches the keys by id for an hour, and longer while they cannot be fetched."""

    def __init__(
        self, issuer: str, http: httpx2.AsyncClient, clock: Clock = time.monotonic
    ) -> None:
        self._keys = ProviderCache("keys", lambda: read_keys(http, issuer), clock)

    async def get(self, key_id: str) -> Key | None:
        """The key, or None when the provider has none with that id.

        Raises IdentityProviderUnavailableError when the keys were never fetched.
        """
        keys = await self._keys.get()
        if keys is not None and key_id not in keys:
            keys = await self._keys.get_newer()
        if keys is None:
            raise IdentityProviderUnavailableError(
                "The identity provider does not answer, so no token can be checked. "
                "Send the request again shortly."
            )
        return keys.get(key_id)

    async def close(self) -> None:
        """Cancel the fetch in progress."""
        await self._keys.close()


async def read_keys(http: httpx2.AsyncClient, issuer: str) -> dict[str, Key]:
    """Fetch the keys from the provider, by id. Raises one of FETCH_ERRORS."""
    discovery = await read_discovery(http, issuer)
    keys = signing_keys(await read_document(http, discovery.jwks_uri, JwkSet))
    if not keys:
        message = "the key set holds no key that can be used"
        raise ValueError(message)
    return keys


def signing_keys(jwk_set: JwkSet) -> dict[str, Key]:
    """The keys that may verify a signature, by id; other entries are skipped.

    Raises ValueError if there are more than MAX_KEYS entries.
    """
    if len(jwk_set.keys) > MAX_KEYS:
        message = f"the key set holds more than {MAX_KEYS} keys"
        raise ValueError(message)
    imported = ((entry.get("kid"), _import(entry)) for entry in jwk_set.keys)
    return {kid: key for kid, key in imported if isinstance(kid, str) and key is not None}


def _import(entry: dict[str, Any]) -> Key | None:
    if entry.get("kty") not in SIGNING_KEY_TYPES or entry.get("use", "sig") != "sig":
        return None
    try:
        with catch_warnings(action="error", category=SecurityWarning):  # of a key that is too short
            return import_key(entry)
    except (JoseError, ValueError, TypeError, SecurityWarning) as error:
        logger.warning("provider key not understood", kid=entry.get("kid"), cause=repr(error))
        return None
