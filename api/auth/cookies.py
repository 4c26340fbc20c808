"""The cookies of this server: the session's, and one for each sign-in under way."""

from collections.abc import Mapping

from litestar.datastructures import Cookie

from api.auth.service import SIGN_IN_LIFETIME
from core.settings import ApiSettings, SessionSettings

SESSION = "Authentication"
SIGN_IN = "SignIn-"
HOST_PREFIX = "__Host-"
STATE_CHARACTERS = 16


class Cookies:
    """Writes and finds them by the settings."""

    def __init__(self, api: ApiSettings, session: SessionSettings) -> None:
        self._prefix = HOST_PREFIX if session.cookie_host_prefix else ""
        self._secure = session.cookie_host_prefix or not api.is_local
        self._max_age = int(session.lifetime.total_seconds())

    def session_in(self, cookies: Mapping[str, str]) -> str | None:
        """The session's value in a request's cookies."""
        return cookies.get(self._prefix + SESSION) or None

    def sign_in_in(self, cookies: Mapping[str, str], state: str) -> str:
        """What the browser that began the sign-in was given; empty in any other."""
        return cookies.get(self._sign_in_name(state), "")

    def session(self, value: str) -> Cookie:
        """The cookie of a session."""
        return self._cookie(self._prefix + SESSION, value, max(self._max_age, 1))

    def no_session(self) -> Cookie:
        """What makes the browser drop its session."""
        return self._cookie(self._prefix + SESSION, "", 0)

    def sign_in(self, state: str, value: str) -> Cookie:
        """The cookie of a sign-in under way."""
        return self._cookie(self._sign_in_name(state), value, int(SIGN_IN_LIFETIME.total_seconds()))

    def no_sign_in(self, state: str) -> Cookie:
        """What makes the browser drop a sign-in that is over."""
        return self._cookie(self._sign_in_name(state), "", 0)

    def _sign_in_name(self, state: str) -> str:
        return f"{self._prefix}{SIGN_IN}{state[:STATE_CHARACTERS]}"

    def _cookie(self, name: str, value: str, max_age: int) -> Cookie:
        return Cookie(
            key=name,
            value=value,
            max_age=max_age,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )
