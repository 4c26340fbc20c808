"""The cookies of this server: the session's, and one for each pending sign-in."""

from collections.abc import Mapping

from litestar.datastructures import Cookie

from api.auth.service import SIGN_IN_LIFETIME
from core.settings import ApiSettings, SessionSettings

SESSION_COOKIE_NAME = "Authentication"
SIGN_IN_COOKIE_PREFIX = "SignIn-"
HOST_PREFIX = "__Host-"
STATE_CHARACTERS_IN_NAME = 16


class AuthCookies:
    """Reads and writes the cookies; their attributes follow from the settings."""

    def __init__(self, api: ApiSettings, session: SessionSettings) -> None:
        self._prefix = HOST_PREFIX if session.cookie_host_prefix else ""
        self._secure = session.cookie_host_prefix or not api.is_local
        self._max_age_seconds = int(session.lifetime.total_seconds())

    def read_session(self, cookies: Mapping[str, str]) -> str | None:
        """The value of the session cookie among a request's cookies."""
        return cookies.get(self._prefix + SESSION_COOKIE_NAME) or None

    def read_sign_in(self, cookies: Mapping[str, str], state: str) -> str:
        """The secret of the browser that began the sign-in; empty in any other browser."""
        return cookies.get(self._sign_in_name(state), "")

    def session(self, value: str) -> Cookie:
        """The cookie of a session."""
        return self._cookie(
            self._prefix + SESSION_COOKIE_NAME, value, max(self._max_age_seconds, 1)
        )

    def expired_session(self) -> Cookie:
        """Makes the browser delete its session cookie."""
        return self._cookie(self._prefix + SESSION_COOKIE_NAME, "", 0)

    def sign_in(self, state: str, value: str) -> Cookie:
        """The cookie of a pending sign-in."""
        return self._cookie(self._sign_in_name(state), value, int(SIGN_IN_LIFETIME.total_seconds()))

    def expired_sign_in(self, state: str) -> Cookie:
        """Makes the browser delete the cookie of a finished sign-in."""
        return self._cookie(self._sign_in_name(state), "", 0)

    def _sign_in_name(self, state: str) -> str:
        return f"{self._prefix}{SIGN_IN_COOKIE_PREFIX}{state[:STATE_CHARACTERS_IN_NAME]}"

    def _cookie(self, name: str, value: str, max_age_seconds: int) -> Cookie:
        return Cookie(
            key=name,
            value=value,
            max_age=max_age_seconds,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )
