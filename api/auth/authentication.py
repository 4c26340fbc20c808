"""Who makes a request: by its bearer token, or by its session's cookie."""

from collections.abc import Collection
from typing import Any

from litestar.connection import ASGIConnection

from api.auth.cookies import Cookies
from api.auth.csrf import OriginPolicy
from api.auth.errors import MissingTokenError
from api.auth.sessions import Sessions
from api.auth.tokens import Principal, TokenVerifier

Connection = ASGIConnection[Any, Any, Any, Any]


class Authenticator:
    """Turns a request into a Principal, or says why not."""

    def __init__(
        self, verifier: TokenVerifier, sessions: Sessions, cookies: Cookies, origins: OriginPolicy
    ) -> None:
        self._verifier = verifier
        self._sessions = sessions
        self._cookies = cookies
        self._origins = origins

    async def principal(self, connection: Connection, schemes: Collection[str]) -> Principal:
        """Who calls; a token after one of the `schemes` counts before a cookie.

        Raises an error of api.auth.errors.
        """
        token = _access_token(connection, schemes)
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
