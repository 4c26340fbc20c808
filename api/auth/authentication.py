"""Authentication of a request: by an access token, a session cookie, or a password."""

from collections.abc import Collection
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any

from litestar.connection import ASGIConnection
from pydantic import SecretStr

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """Returns the Principal of a request, or raises why there is none."""

    access_tokens: AccessTokenVerifier
    influxdb_passwords: InfluxDBPasswords
    sessions: Sessions
    cookies: AuthCookies
    csrf: CsrfPolicy
    metrics_token: SecretStr | None

    async def authenticate(self, connection: Connection, *, influxdb: bool) -> Principal:
        """The caller; an access token takes precedence over a cookie.

        `influxdb`: passwords of InfluxDB's clients take precedence over both.

        Raises an error of api.auth.errors.
        """
        if influxdb:
            principal = await self.influxdb_passwords.authenticate(connection)
            if principal is not None:
                return principal
        schemes = INFLUXDB_SCHEMES if influxdb else BEARER_SCHEMES
        token = _access_token(_authorization(connection), schemes)
        if token:
            return await self.access_tokens.verify(token)
        return await self.sessions.authenticate(self._session_cookie(connection))

    def cached_principal(self, authorization: str) -> Principal | None:
        """Whose access token the header holds, if it was verified before and is valid still."""
        return self.access_tokens.cached(_access_token(authorization, BEARER_SCHEMES))

    async def authenticate_session_holder(self, connection: Connection) -> Principal:
        """Whose session it is, even if its tokens have expired and cannot be refreshed."""
        session = await self.sessions.get(self._session_cookie(connection))
        return session.principal

    def has_metrics_token(self, connection: Connection) -> bool:
        """Whether the request carries the token that opens the metrics and nothing else."""
        if self.metrics_token is None:
            return False
        expected = self.metrics_token.get_secret_value()
        sent = _access_token(_authorization(connection), BEARER_SCHEMES)
        return compare_digest(sent.encode(), expected.encode())

    def _session_cookie(self, connection: Connection) -> str:
        cookie = self.cookies.read_session(connection.cookies)
        if cookie is None:
            raise MissingTokenError(
                "Send an access token (Authorization: Bearer <token>), or sign in: GET /auth/login."
            )
        self.csrf.require_trusted_origin(str(connection.scope.get("method")), connection.headers)
        return cookie


def _authorization(connection: Connection) -> str:
    return connection.headers.get("authorization", "")


def _access_token(authorization: str, schemes: Collection[str]) -> str:
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() in schemes else ""
