"""Who makes a request: by its bearer token, its session's cookie, or a password."""

from collections.abc import Collection
from typing import Any

from litestar.connection import ASGIConnection

from api.auth.cookies import Cookies
from api.auth.csrf import OriginPolicy
from api.auth.errors import MissingTokenError
from api.auth.influxdb_passwords import InfluxDBPasswords
from api.auth.sessions import Sessions
from api.auth.tokens import Principal, TokenVerifier

Connection = ASGIConnection[Any, Any, Any, Any]

# How a token is announced; InfluxDB's clients have a word of their own.
BEARER_SCHEMES = frozenset({"bearer"})
INFLUXDB_SCHEMES = BEARER_SCHEMES | {"token"}


class Authenticator:
    """Turns a request into a Principal, or says why not."""

    def __init__(
        self,
        verifier: TokenVerifier,
        influxdb_passwords: InfluxDBPasswords,
        sessions: Sessions,
        cookies: Cookies,
        origins: OriginPolicy,
    ) -> None:
        self._verifier = verifier
        self._influxdb_passwords = influxdb_passwords
        self._sessions = sessions
        self._cookies = cookies
        self._origins = origins

    async def principal(self, connection: Connection, *, from_influxdb: bool) -> Principal:
        """Who calls; a token counts before a cookie, a password of InfluxDB's before both.

        Raises an error of api.auth.errors.
        """
        if from_influxdb:
            caller = await self._influxdb_passwords.principal(connection)
            if caller is not None:
                return caller
        token = _access_token(connection, INFLUXDB_SCHEMES if from_influxdb else BEARER_SCHEMES)
        if token:
            return await self._verifier.verify(token)
        return await self._sessions.principal(self._session_cookie(connection))

    async def session_holder(self, connection: Connection) -> Principal:
        """Whose session it is, even if its tokens have run out and cannot be renewed."""
        session = await self._sessions.find(self._session_cookie(connection))
        return session.principal

    def _session_cookie(self, connection: Connection) -> str:
        cookie = self._cookies.session_in(connection.cookies)
        if cookie is None:
            raise MissingTokenError(
                "Send an access token (Authorization: Bearer <token>), or sign in: GET /auth/login."
            )
        self._origins.require_own_page(str(connection.scope.get("method")), connection.headers)
        return cookie


def _access_token(connection: Connection, schemes: Collection[str]) -> str:
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() in schemes else ""
