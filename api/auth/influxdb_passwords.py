"""User names and passwords, which clients of InfluxDB send with every write."""

import asyncio
import time
from hashlib import blake2b
from secrets import token_bytes
from typing import Any, Literal
from weakref import WeakValueDictionary

from cachetools import TLRUCache
from litestar.connection import ASGIConnection

from api.auth.basic import Credentials, basic_credentials
from api.auth.client_address import Addresses
from api.auth.errors import (
    AuthorizationFailedError,
    MissingCredentialsError,
    MissingTokenError,
    WrongCredentialsError,
)
from api.auth.password_grant import PasswordGrant
from api.auth.tokens import BELIEVED_SECONDS, Principal, TokenVerifier

Connection = ASGIConnection[Any, Any, Any, Any]

# Users whose password a process believes without asking the provider.
BELIEVED_USERS = 10_000


class BelievedPasswords:
    """Asks the provider about a password once, not for every write.

    A password that was right is believed as long as a token that was verified, and never longer
    than the provider's token for it; it is kept as a hash under a key of this process.
    """

    def __init__(self, grant: PasswordGrant, verifier: TokenVerifier) -> None:
        self._grant = grant
        self._verifier = verifier
        self._key = token_bytes()
        self._principals: TLRUCache[bytes, Principal] = TLRUCache(
            BELIEVED_USERS, _until, timer=time.time
        )
        self._locks: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    async def principal(self, credentials: Credentials, address: str) -> Principal:
        """Who the user is. Raises AuthorizationFailedError."""
        name = self._hash(credentials)
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            principal = self._principals.get(name)
            if principal is None:
                principal = self._principals[name] = await self._ask(credentials, address)
            return principal

    async def _ask(self, credentials: Credentials, address: str) -> Principal:
        try:
            tokens = await self._grant.redeem(credentials, address)
        except WrongCredentialsError as error:
            raise AuthorizationFailedError(error.message) from error
        return await self._verifier.verify(tokens.access_token)

    def _hash(self, credentials: Credentials) -> bytes:
        return blake2b("\0".join(credentials).encode(), key=self._key).digest()


class InfluxDBPasswords:
    """Turns user name and password into a Principal, in the way that the setting names."""

    def __init__(
        self,
        policy: Literal["refuse", "token", "provider"],
        verifier: TokenVerifier,
        believed: BelievedPasswords,
        addresses: Addresses,
    ) -> None:
        self._policy = policy
        self._verifier = verifier
        self._believed = believed
        self._addresses = addresses

    async def principal(self, connection: Connection) -> Principal | None:
        """Who calls; None for a request without user name and password.

        Raises MissingTokenError if passwords are not taken, AuthorizationFailedError for a wrong
        one, and what TokenVerifier.verify and PasswordGrant.redeem raise.
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
                return await self._verifier.verify(credentials.password)
            case "provider":
                return await self._believed.principal(credentials, self._addresses.of(connection))


def _until(_name: bytes, principal: Principal, now: float) -> float:
    return min(principal.expires_at, now + BELIEVED_SECONDS)


def _credentials(connection: Connection) -> Credentials | None:
    """Those of Authorization: Basic, or `Token user:password` as of InfluxDB 1.8, or of u and p."""
    authorization = connection.headers.get("authorization", "")
    scheme, _, secret = authorization.partition(" ")
    match scheme.lower():
        case "basic":
            return _whole_basic(authorization)
        case "token" if ":" in secret:
            username, _, password = secret.strip().partition(":")
        case "":
            username = connection.query_params.get("u", "")
            password = connection.query_params.get("p", "")
        case _:
            return None
    return Credentials(username, password) if username and password else None


def _whole_basic(authorization: str) -> Credentials | None:
    try:
        return basic_credentials(authorization)
    except MissingCredentialsError:
        return None
