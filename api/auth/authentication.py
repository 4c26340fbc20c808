"""Authentication of a request: by its access token, or by its session cookie."""

from collections.abc import Collection
from hmac import compare_digest
from typing import Any

from litestar.connection import ASGIConnection
from pydantic import SecretStr

from api.auth.cookies import AuthCookies
from api.auth.csrf import CsrfPolicy
from api.auth.errors import MissingTokenError
from api.auth.sessions import Sessions
from api.auth.tokens import AccessTokenVerifier, Principal

Connection = ASGIConnection[Any, Any, Any, Any]


class Authenticator:
    """Returns the Principal of a request, or raises why there is none."""

    def __init__(
        self,
        access_tokens: AccessTokenVerifier,
        sessions: Sessions,
        cookies: AuthCookies,
        csrf: CsrfPolicy,
        metrics_token: SecretStr | None,
    ) -> None:
        self._access_tokens = access_tokens
        self._sessions = sessions
        self._cookies = cookies
        self._csrf = csrf
        self._metrics_token = metrics_token

    async def authenticate(self, connection: Connection, schemes: Collection[str]) -> Principal:
        """The caller; an access token after one of the `schemes` takes precedence over a cookie.

        Raises an error of api.auth.errors.
        """
        token = _access_token(connection, schemes)
        if token:
            return await self._access_tokens.verify(token)
        return await self._sessions.authenticate(self._session_cookie(connection))

    async def authenticate_session_holder(self, connection: Connection) -> Principal:
        """Whose session it is, even if its tokens have expired and cannot be refreshed."""
        session = await self._sessions.get(self._session_cookie(connection))
        return session.principal

    def has_metrics_token(self, connection: Connection) -> bool:
        """Whether the request carries the token that opens the metrics and nothing else."""
        if self._metrics_token is None:
            return False
        expected = self._metrics_token.get_secret_value()
        return compare_digest(_access_token(connection, {"bearer"}).encode(), expected.encode())

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
