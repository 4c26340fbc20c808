"""The identity provider's signing keys (JWKS), fetched through its discovery document."""

import time
from asyncio import Lock
from collections.abc import Callable
from typing import Any

import httpx2
import msgspec
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key

from api.auth.discovery import read_discovery, read_document
from api.auth.errors import IdentityProviderUnavailableError

# An unknown key id causes a fetch at most this often, whatever callers send.
COOLDOWN_SECONDS = 10.0
# The keys are fetched again after this long, so that a key that the provider withdrew is rejected.
MAX_AGE_SECONDS = 3600.0
RETRY_WITHOUT_KEYS_SECONDS = 2.0

SIGNING_KEY_TYPES = frozenset({"RSA", "EC"})

logger = structlog.get_logger()


class JwkSet(msgspec.Struct):
    """A JWK Set (RFC 7517) as served, its keys not parsed."""

    keys: list[dict[str, Any]]


class JwksCache:
    """Caches the keys by id. One fetch at a time; stale keys are used while a fetch fails."""

    def __init__(
        self, issuer: str, http: httpx2.AsyncClient, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._issuer = issuer
        self._http = http
        self._clock = clock
        self._lock = Lock()
        self._keys: dict[str, Key] = {}
        self._next_fetch_at = float("-inf")
        self._stale_at = float("-inf")

    async def get(self, key_id: str) -> Key | None:
        """The key, or None when the provider has none with that id.

        Raises IdentityProviderUnavailableError when the keys were never fetched.
        """
        is_cached = key_id in self._keys
        if not is_cached or (self._clock() >= self._stale_at and not self._lock.locked()):
            await self._refresh()
        if not self._keys:
            raise IdentityProviderUnavailableError(
                "The identity provider does not answer, so no token can be checked. "
                "Send the request again shortly."
            )
        return self._keys.get(key_id)

    async def _refresh(self) -> None:
        async with self._lock:
            now = self._clock()
            if now < self._next_fetch_at:
                return
            try:
                self._keys = await self._fetch()
            except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
                logger.warning("provider keys not read", issuer=self._issuer, cause=repr(error))
                wait_seconds = COOLDOWN_SECONDS if self._keys else RETRY_WITHOUT_KEYS_SECONDS
            else:
                wait_seconds = COOLDOWN_SECONDS
                self._stale_at = now + MAX_AGE_SECONDS
            self._next_fetch_at = now + wait_seconds

    async def _fetch(self) -> dict[str, Key]:
        discovery = await read_discovery(self._http, self._issuer)
        keys = signing_keys(await read_document(self._http, discovery.jwks_uri, JwkSet))
        if not keys:
            message = "the key set holds no key that can be used"
            raise ValueError(message)
        return keys


def signing_keys(jwk_set: JwkSet) -> dict[str, Key]:
    """The keys that may verify a signature, by id; other entries are skipped."""
    keys = {}
    for entry in jwk_set.keys:
        key_id = entry.get("kid")
        if isinstance(key_id, str) and _is_signing_key(entry):
            try:
                keys[key_id] = import_key(entry)
            except (JoseError, ValueError, TypeError) as error:
                logger.warning("provider key not understood", kid=key_id, cause=repr(error))
    return keys


def _is_signing_key(entry: dict[str, Any]) -> bool:
    return entry.get("kty") in SIGNING_KEY_TYPES and entry.get("use", "sig") == "sig"
