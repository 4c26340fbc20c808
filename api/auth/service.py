from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

import structlog

from api.auth.basic import Credentials
from api.auth.errors import (
    IdentityProviderUnavailableError,
    InvalidLogoutTokenError,
    InvalidSignInError,
    PasswordLoginOffError,
    SignInDeniedError,
)
from api.auth.id_tokens import IdTokenVerifier
from api.auth.oidc_client import GrantRefusedError, OidcClient
from api.auth.password_grant import PasswordGrant
from api.auth.redirect_target import safe_return_path
from api.auth.repository import (
    SignInRepository,
    SignInUnderWay,
    SpentTokenRepository,
)
from api.auth.schemas import ProviderAnswer
from api.auth.session_store import SessionStore
from api.auth.sessions import Sessions
from api.auth.token_encryption import Tokens, digest, new_secret
from api.auth.tokens import TokenVerifier
from core.settings import ApiSettings, AuthSettings

# What an address may hold as it is; the rest of a path is percent-encoded.
AS_IT_IS = "%/?#&=:;,+@!$'()*~[]"

SIGN_IN_LIFETIME = timedelta(minutes=10)

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class BegunSignIn:
    """Where the browser goes, and what it must bring back to finish."""

    url: str
    state: str
    browser_secret: str


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """The cookie of a new session, and the address to which the browser goes with it."""

    cookie: str
    url: str


@dataclass(frozen=True, slots=True)
class SignInParts:
    """What signing in and out stands on."""

    client: OidcClient
    sessions: Sessions
    session_store: SessionStore
    sign_ins: SignInRepository
    spent: SpentTokenRepository
    passwords: PasswordGrant
    access_tokens: TokenVerifier
    id_tokens: IdTokenVerifier


class SignInService:
    """Signing in by browser or password, and signing out from either side."""

    def __init__(self, auth: AuthSettings, api: ApiSettings, parts: SignInParts) -> None:
        self._password_login = auth.password_login
        self._public_url = api.public_url
        self._parts = parts

    async def begin(self, return_to: str) -> BegunSignIn:
        """Prepare a sign-in at the provider. Raises InvalidReturnPathError."""
        sign_in = SignInUnderWay(new_secret(), safe_return_path(return_to))
        state, browser_secret = new_secret(), new_secret()
        nonce = _nonce(browser_secret)
        url = await self._parts.client.authorization_url(state, nonce, sign_in.code_verifier)
        await self._parts.sign_ins.begin(state, nonce, sign_in, SIGN_IN_LIFETIME)
        return BegunSignIn(url, state, browser_secret)

    async def finish(
        self, answer: ProviderAnswer, browser_secret: str, former_cookie: str | None
    ) -> OpenedSession:
        """Turn the provider's answer into a session, in place of the one the browser had.

        Raises InvalidSignInError or SignInDeniedError.
        """
        nonce = _nonce(browser_secret)
        sign_in = await self._parts.sign_ins.take(answer.state, nonce)
        if sign_in is None:
            raise InvalidSignInError("This browser began no such sign-in. Sign in again.")
        await self._parts.client.require_answer_of(answer.iss)
        tokens = await self._redeemed(answer, sign_in)
        cookie = await self._open(tokens, nonce, former_cookie)
        return OpenedSession(cookie, self._public_url + quote(sign_in.return_to, safe=AS_IT_IS))

    async def sign_in_with_password(
        self, credentials: Credentials, address: str, former_cookie: str | None
    ) -> str:
        """The cookie of a new session.

        Raises WrongCredentialsError, TooManyFailuresError or PasswordLoginOffError.
        """
        tokens = await self._parts.passwords.redeem(credentials, address)
        return await self._open(tokens, None, former_cookie)

    def require_password_login(self) -> None:
        """Raise PasswordLoginOffError when it is switched off."""
        if not self._password_login:
            raise PasswordLoginOffError(
                "Signing in by user name and password is switched off here "
                "(SENSORFLOW_AUTH_PASSWORD_LOGIN). Sign in by browser: GET /auth/login."
            )

    async def sign_out(self, cookie: str) -> str | None:
        """End the session here; where the browser signs out of the provider, if that is known."""
        tokens = await self._parts.sessions.end(cookie)
        try:
            if tokens is not None and tokens.refresh_token is not None:
                await self._parts.client.revoke(tokens.refresh_token)
            return await self._parts.client.end_session_url(tokens.id_token if tokens else None)
        except IdentityProviderUnavailableError as error:
            logger.warning("signed out here only", cause=error.message)
            return None

    async def sign_out_as_told(self, logout_token: str) -> None:
        """End the sessions that the provider says are over. Raises InvalidLogoutTokenError."""
        notice = await self._parts.id_tokens.logout_notice(logout_token)
        if not await self._parts.spent.spend(f"logout {notice.token_id}", notice.expires_at):
            raise InvalidLogoutTokenError("The logout token was used before.")
        await self._parts.session_store.end_as_told(notice)
        self._parts.access_tokens.forget()

    async def _redeemed(self, answer: ProviderAnswer, sign_in: SignInUnderWay) -> Tokens:
        if answer.error is not None or not answer.code:
            logger.info("sign-in denied", error=answer.error, cause=answer.error_description)
            raise SignInDeniedError("The sign-in was cancelled or refused at the provider.")
        try:
            return await self._parts.client.redeem_code(answer.code, sign_in.code_verifier)
        except GrantRefusedError as error:
            raise InvalidSignInError("The provider does not take this code. Sign in again.") from (
                error
            )

    async def _open(self, tokens: Tokens, nonce: str | None, former_cookie: str | None) -> str:
        cookie = await self._parts.sessions.open(tokens, nonce)
        if former_cookie is not None:
            await self._parts.sessions.end(former_cookie)
        return cookie


def _nonce(browser_secret: str) -> str:
    """Bound to the browser by its cookie, as OpenID Connect Core 15.5.2 proposes."""
    return digest(browser_secret).hex()
