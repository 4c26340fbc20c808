from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

import structlog

from api.auth.basic import Credentials
from api.auth.csrf import CsrfPolicy
from api.auth.errors import (
    IdentityProviderUnavailableError,
    InvalidLogoutTokenError,
    InvalidSignInError,
    PasswordLoginOffError,
    SignInDeniedError,
)
from api.auth.id_tokens import IdTokenVerifier
from api.auth.oidc_client import InvalidGrantError, OidcClient
from api.auth.password_grant import PasswordGrant
from api.auth.redirect_target import validated_redirect_target
from api.auth.repository import PendingSignIn, RevokedTokenRepository, SignInRepository
from api.auth.schemas import Account, AuthorizationResponse, SignInOptions
from api.auth.session_store import SessionStore
from api.auth.sessions import Sessions
from api.auth.token_encryption import Tokens, digest, new_secret
from api.auth.tokens import AccessTokenVerifier
from core.settings import AuthSettings

# Characters of a redirect target that stay as they are; others are percent-encoded.
SAFE_CHARACTERS = "%/?#&=:;,+@!$'()*~[]"

SIGN_IN_LIFETIME = timedelta(minutes=10)

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """The URL to redirect the browser to, and what it must bring back to finish the sign-in."""

    url: str
    state: str
    browser_secret: str


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """The cookie of a new session, and the URL to redirect the browser to."""

    cookie: str
    url: str


@dataclass(frozen=True, slots=True)
class SignInService:
    """Sign-in by browser or password; sign-out by the user or by the provider."""

    options: SignInOptions
    public_url: str
    csrf: CsrfPolicy
    client: OidcClient
    sessions: Sessions
    session_store: SessionStore
    sign_ins: SignInRepository
    revoked_tokens: RevokedTokenRepository
    password_grant: PasswordGrant
    access_tokens: AccessTokenVerifier
    id_tokens: IdTokenVerifier

    async def begin(self, redirect_target: str) -> AuthorizationRequest:
        """Prepare an authorization request. Raises InvalidReturnPathError."""
        sign_in = PendingSignIn(new_secret(), validated_redirect_target(redirect_target))
        state, browser_secret = new_secret(), new_secret()
        nonce = _nonce(browser_secret)
        url = await self.client.authorization_url(state, nonce, sign_in.code_verifier)
        await self.sign_ins.add(state, nonce, sign_in, SIGN_IN_LIFETIME)
        return AuthorizationRequest(url, state, browser_secret)

    async def finish(
        self, response: AuthorizationResponse, browser_secret: str, former_cookie: str | None
    ) -> OpenedSession:
        """Exchange the authorization response for a session; ends the browser's former session.

        Raises InvalidSignInError or SignInDeniedError.
        """
        nonce = _nonce(browser_secret)
        sign_in = await self.sign_ins.consume(response.state, nonce)
        if sign_in is None:
            raise InvalidSignInError("This browser began no such sign-in. Sign in again.")
        await self.client.require_own_issuer(response.iss)
        tokens = await self._exchange_code(response, sign_in)
        cookie = await self._open_session(tokens, nonce, former_cookie)
        redirect_target = quote(sign_in.redirect_target, safe=SAFE_CHARACTERS)
        return OpenedSession(cookie, self.public_url + redirect_target)

    async def sign_in_with_password(
        self, credentials: Credentials, address: str, former_cookie: str | None
    ) -> str:
        """The cookie of a new session; ends the browser's former session.

        Raises WrongCredentialsError or TooManyFailuresError.
        """
        tokens = await self.password_grant.exchange(credentials, address)
        return await self._open_session(tokens, None, former_cookie)

    def require_password_login(self) -> None:
        """Raise PasswordLoginOffError when it is disabled."""
        if not self.options.password_login:
            raise PasswordLoginOffError(
                "Signing in by user name and password is switched off here "
                "(SENSORFLOW_AUTH_PASSWORD_LOGIN). Sign in by browser: GET /auth/login."
            )

    async def sign_out(self, cookie: str) -> str | None:
        """End the session; returns the URL that signs the browser out of the provider, if known."""
        tokens = await self.sessions.end(cookie)
        try:
            if tokens is not None and tokens.refresh_token is not None:
                await self.client.revoke(tokens.refresh_token)
            return await self.client.end_session_url(tokens.id_token if tokens else None)
        except IdentityProviderUnavailableError as error:
            logger.warning("signed out here only", cause=error.message)
            return None

    async def back_channel_logout(self, logout_token: str) -> None:
        """End the sessions that the logout token names. Raises InvalidLogoutTokenError."""
        claims = await self.id_tokens.verify_logout_token(logout_token)
        # A logout token works once: its id is stored like a revoked token, but only when the
        # sessions have ended, since a provider whose request failed sends the same token again.
        used = f"logout {claims.token_id}"
        if await self.revoked_tokens.is_revoked(used):
            raise InvalidLogoutTokenError("The logout token was used before.")
        await self.session_store.end_by_logout_token(claims)
        self.access_tokens.clear_cache()
        await self.revoked_tokens.revoke(used, claims.expires_at)

    async def _exchange_code(
        self, response: AuthorizationResponse, sign_in: PendingSignIn
    ) -> Tokens:
        if response.error is not None or not response.code:
            logger.info("sign-in denied", error=response.error, cause=response.error_description)
            raise SignInDeniedError("The sign-in was cancelled or refused at the provider.")
        try:
            return await self.client.exchange_code(response.code, sign_in.code_verifier)
        except InvalidGrantError as error:
            raise InvalidSignInError("The provider does not take this code. Sign in again.") from (
                error
            )

    async def _open_session(
        self, tokens: Tokens, nonce: str | None, former_cookie: str | None
    ) -> str:
        cookie = await self.sessions.open(tokens, nonce)
        if former_cookie is not None:
            await self.sessions.end(former_cookie)
        return cookie


def sign_in_options(settings: AuthSettings) -> SignInOptions:
    """What a sign-in page offers by these settings."""
    accounts = [Account(name, password) for name, password in settings.shown_accounts.items()]
    return SignInOptions(settings.password_login, accounts)


def _nonce(browser_secret: str) -> str:
    """The hash of the browser's cookie, as OpenID Connect Core 15.5.2 proposes."""
    return digest(browser_secret).hex()
