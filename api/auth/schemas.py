from datetime import datetime

from msgspec import Struct

from core.scopes import Scope


class Message(Struct, frozen=True):
    """What was done."""

    message: str


class Account(Struct, frozen=True):
    """An account that is shown to everybody."""

    username: str
    password: str


class SignInOptions(Struct, frozen=True, rename="camel"):
    """What a sign-in page offers besides the provider's: a form, and accounts to try it with."""

    password_login: bool
    accounts: list[Account]


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


class AuthorizationResponse(Struct, frozen=True, kw_only=True):
    """The query parameters with which the provider redirects the browser to the callback."""

    code: str | None = None
    state: str = ""
    iss: str | None = None
    error: str | None = None
    error_description: str | None = None


class LogoutForm(Struct, frozen=True):
    """What the provider posts in a back-channel logout."""

    logout_token: str
