"""User name and password of InfluxDB's clients, which send them with every write."""

import asyncio
import time
from hashlib import blake2b
from secrets import token_bytes
from typing import Any, Literal
from weakref import WeakValueDictionary

from cachetools import TLRUCache
from litestar.connection import ASGIConnection

from api.auth.basic import Credentials, parse_basic_credentials
from api.auth.client_address import ClientAddressResolver
from api.auth.errors import (
    AuthorizationFailedError,
    MissingCredentialsError,
    MissingTokenError,
    WrongCredentialsError,
)
from api.auth.password_grant import PasswordGrant
from api.auth.tokens import CACHE_SECONDS, AccessTokenVerifier, Principal

Connection = ASGIConnection[Any, Any, Any, Any]

CACHE_MAX_PASSWORDS = 10_000


class PasswordVerifier:
    """Has the provider verify a password, and caches those that are valid.

    A password is accepted from the cache as long as an access token is, and never longer than the
    provider's token for it. The cache's keys are hashes, keyed by a secret of this process.
    """

    def __init__(self, grant: PasswordGrant, access_tokens: AccessTokenVerifier) -> None:
        self._grant = grant
        self._access_tokens = access_tokens
        self._secret = token_bytes()
        self._cache: TLRUCache[bytes, Principal] = TLRUCache(
            CACHE_MAX_PASSWORDS, _cached_until, timer=time.time
        )
        self._locks: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    async def verify(self, credentials: Credentials, address: str) -> Principal:
        """The Principal of the user.

        Raises AuthorizationFailedError for a wrong password, and what PasswordGrant.exchange
        raises. Concurrent requests with one password wait for a single grant.
        """
        key = self._key(credentials)
        async with self._locks.setdefault(key, asyncio.Lock()):
            principal = self._cache.get(key)
            if principal is None:
                principal = await self._verify_uncached(credentials, address)
                self._cache[key] = principal
            return principal

    async def _verify_uncached(self, credentials: Credentials, address: str) -> Principal:
        try:
            tokens = await self._grant.exchange(credentials, address)
        except WrongCredentialsError as error:
            raise AuthorizationFailedError(error.message) from error
        return await self._access_tokens.verify(tokens.access_token)

    def _key(self, credentials: Credentials) -> bytes:
        return blake2b("\0".join(credentials).encode(), key=self._secret).digest()


class InfluxDBPasswords:
    """Authenticates by user name and password, as the setting allows."""

    def __init__(
        self,
        policy: Literal["refuse", "token", "provider"],
        access_tokens: AccessTokenVerifier,
        passwords: PasswordVerifier,
        client_addresses: ClientAddressResolver,
    ) -> None:
        self._policy = policy
        self._access_tokens = access_tokens
        self._passwords = passwords
        self._client_addresses = client_addresses

    async def authenticate(self, connection: Connection) -> Principal | None:
        """The caller; None if the request has no user name and password.

        Raises MissingTokenError if they are refused, and what the verifiers raise.
        """
        credentials = _credentials(connection)
        if credentials is None:
            return None
        match self._policy:
            case "refuse":
                raise MissingTokenError(
                    "User names and passwords are not taken here (SENSORFLOW_AUTH_INFLUXDB_"
                    "PASSWORDS). Send an access token: Authorization: Token <token>."
                )
            case "token":
                return await self._access_tokens.verify(credentials.password)
            case "provider":
                address = self._client_addresses.resolve(connection)
                return await self._passwords.verify(credentials, address)


def _cached_until(_key: bytes, principal: Principal, now: float) -> float:
    return min(principal.expires_at, now + CACHE_SECONDS)


def _credentials(connection: Connection) -> Credentials | None:
    """By Authorization: Basic, by `Token user:password` of InfluxDB 1.8, or by u and p."""
    authorization = connection.headers.get("authorization", "")
    scheme, _, secret = authorization.partition(" ")
    match scheme.lower():
        case "basic":
            return _basic_credentials(authorization)
        case "token" if ":" in secret:
            username, _, password = secret.strip().partition(":")
        case "":
            username = connection.query_params.get("u", "")
            password = connection.query_params.get("p", "")
        case _:
            return None
    return Credentials(username, password) if username and password else None


def _basic_credentials(authorization: str) -> Credentials | None:
    try:
        return parse_basic_credentials(authorization)
    except MissingCredentialsError:
        return None
