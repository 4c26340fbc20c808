"""Authentication of a request: by an access token, a session cookie, or a password."""

from collections.abc import Collection
from typing import Any

from litestar.connection import ASGIConnection

from api.auth.cookies import AuthCookies
from api.auth.csrf import CsrfPolicy
from api.auth.errors import MissingTokenError
from api.auth.influxdb_passwords import InfluxDBPasswords
from api.auth.sessions import Sessions
from api.auth.tokens import AccessTokenVerifier, Principal

Connection = ASGIConnection[Any, Any, Any, Any]

# Authentication schemes accepted before an access token; InfluxDB's clients send `Token`.
BEARER_SCHEMES = frozenset({"bearer"})
INFLUXDB_SCHEMES = BEARER_SCHEMES | {"token"}


class Authenticator:
    """Returns the Principal of a request, or raises why there is none."""

    def __init__(
        self,
        access_tokens: AccessTokenVerifier,
        influxdb_passwords: InfluxDBPasswords,
        sessions: Sessions,
        cookies: AuthCookies,
        csrf: CsrfPolicy,
    ) -> None:
        self._access_tokens = access_tokens
        self._influxdb_passwords = influxdb_passwords
        self._sessions = sessions
        self._cookies = cookies
        self._csrf = csrf

    async def authenticate(self, connection: Connection, *, influxdb: bool) -> Principal:
        """The caller; an access token takes precedence over a cookie.

        `influxdb`: passwords of InfluxDB's clients take precedence over both.

        Raises an error of api.auth.errors.
        """
        if influxdb:
            principal = await self._influxdb_passwords.authenticate(connection)
            if principal is not None:
                return principal
        token = _access_token(connection, INFLUXDB_SCHEMES if influxdb else BEARER_SCHEMES)
        if token:
            return await self._access_tokens.verify(token)
        return await self._sessions.authenticate(self._session_cookie(connection))

    async def authenticate_session_holder(self, connection: Connection) -> Principal:
        """Whose session it is, even if its tokens have expired and cannot be refreshed."""
        session = await self._sessions.get(self._session_cookie(connection))
        return session.principal

    def _session_cookie(self, connection: Connection) -> str:
        cookie = self._cookies.read_session(connection.cookies)
        if cookie is None:
            raise MissingTokenError(
                "Send an access token (Authorization: Bearer <token>), or sign in: GET /auth/login."
            )
        self._csrf.require_trusted_origin(str(connection.scope.get("method")), connection.headers)
        return cookie


def _access_token(connection: Connection, schemes: Collection[str]) -> str:
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() in schemes else ""
