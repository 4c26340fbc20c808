from datetime import datetime

from msgspec import Struct

from core.scopes import Scope


class Message(Struct, frozen=True):
    """What was done."""

    message: str


class SignedOut(Struct, frozen=True, rename="camel"):
    """The session has ended here; at `end_session_url` the browser signs out of the provider."""

    message: str
    end_session_url: str | None


class Me(Struct, frozen=True, rename="camel"):
    """Who is signed in, what that allows, and until when."""

    message: str
    sub: str
    username: str
    scopes: list[Scope]
    expires_at: datetime


class ProviderAnswer(Struct, frozen=True, kw_only=True):
    """The parameters with which the provider sends a browser back."""

    code: str | None = None
    state: str = ""
    iss: str | None = None
    error: str | None = None
    error_description: str | None = None


class LogoutForm(Struct, frozen=True):
    """What a provider posts when somebody signs out there."""

    logout_token: str
