"""The identity provider's public keys, fetched through its discovery document."""

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

# A key that nobody announced is looked for at most this often, whatever callers send.
COOLDOWN_SECONDS = 10.0
# After this long the keys are read again, so that one the provider withdrew stops working.
MAX_AGE_SECONDS = 3600.0
RETRY_WITHOUT_KEYS_SECONDS = 2.0

SIGNING_KEY_TYPES = frozenset({"RSA", "EC"})

logger = structlog.get_logger()


class KeySetDocument(msgspec.Struct):
    """A JWK set as served."""

    keys: list[dict[str, Any]]


class ProviderKeys:
    """The keys by id. One fetch at a time; keys once read stay while the provider is away."""

    def __init__(
        self, issuer: str, http: httpx2.AsyncClient, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._issuer = issuer
        self._http = http
        self._clock = clock
        self._lock = Lock()
        self._keys: dict[str, Key] = {}
        self._next_fetch_at = float("-inf")
        self._old_at = float("-inf")

    async def find(self, key_id: str) -> Key | None:
        """The key, or None when the provider has none of that id.

        Raises IdentityProviderUnavailableError when no key was ever read.
        """
        known = key_id in self._keys
        if not known or (self._clock() >= self._old_at and not self._lock.locked()):
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
                wait = COOLDOWN_SECONDS if self._keys else RETRY_WITHOUT_KEYS_SECONDS
            else:
                wait = COOLDOWN_SECONDS
                self._old_at = now + MAX_AGE_SECONDS
            self._next_fetch_at = now + wait

    async def _fetch(self) -> dict[str, Key]:
        discovery = await read_discovery(self._http, self._issuer)
        keys = signing_keys(await read_document(self._http, discovery.jwks_uri, KeySetDocument))
        if not keys:
            message = "the key set holds no key that can be used"
            raise ValueError(message)
        return keys


def signing_keys(document: KeySetDocument) -> dict[str, Key]:
    """The keys that may verify a token, by id; any other entry is passed over."""
    keys = {}
    for entry in document.keys:
        key_id = entry.get("kid")
        if isinstance(key_id, str) and _is_for_signatures(entry):
            try:
                keys[key_id] = import_key(entry)
            except (JoseError, ValueError, TypeError) as error:
                logger.warning("provider key not understood", kid=key_id, cause=repr(error))
    return keys


def _is_for_signatures(entry: dict[str, Any]) -> bool:
    return entry.get("kty") in SIGNING_KEY_TYPES and entry.get("use", "sig") == "sig"
