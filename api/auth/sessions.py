"""Who a session's cookie stands for, and the tokens behind it, kept fresh out of sight."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

from api.auth.errors import (
    ExpiredTokenError,
    IdentityProviderRefusedError,
    IdentityProviderUnavailableError,
    InvalidSignInError,
    InvalidTokenError,
    SessionEndedError,
)
from api.auth.id_tokens import Identity, IdTokenVerifier
from api.auth.oidc_client import GrantRefusedError, OidcClient
from api.auth.session_store import SealedTokens, Session, SessionStore
from api.auth.token_encryption import Tokens, digest, new_secret, seal, unseal
from api.auth.tokens import Principal, TokenVerifier
from core.settings import SessionSettings

# Tokens are renewed this long before they expire, so that nobody waits while another renews them.
REFRESH_AHEAD_SECONDS = 60
# Longer than the provider may take to renew and to show its keys: a refresh token is for one use.
REFRESH_LEASE = timedelta(seconds=30)
POLL_SECONDS = 0.1


class Sessions:
    """Opens sessions, tells whose they are, renews their tokens, ends them."""

    def __init__(
        self,
        settings: SessionSettings,
        store: SessionStore,
        client: OidcClient,
        access_tokens: TokenVerifier,
        id_tokens: IdTokenVerifier,
    ) -> None:
        self._lifetime = settings.lifetime
        self._store = store
        self._client = client
        self._access_tokens = access_tokens
        self._id_tokens = id_tokens

    async def open(self, tokens: Tokens, nonce: str | None) -> str:
        """The cookie of a new session for what the provider gave.

        Raises InvalidSignInError when the tokens are not for us.
        """
        principal = await self._judged(tokens)
        identity = Identity(principal.subject, principal.username, None)
        if tokens.id_token is not None:
            access_token = tokens.access_token
            identity = await self._id_tokens.identity(tokens.id_token, access_token, nonce)
        elif nonce is not None:
            raise InvalidSignInError("The provider gave no ID token; ask for the scope openid.")
        cookie = new_secret()
        sealed = _sealed(tokens, principal, cookie)
        lifetime = self._lifetime
        if tokens.refresh_token is None:
            lifetime = min(lifetime, sealed.access_expires_at - datetime.now(UTC))
        await self._store.open(cookie, identity, principal.scopes, sealed, lifetime)
        return cookie

    async def principal(self, cookie: str) -> Principal:
        """Whose session it is, its tokens renewed if that is due.

        Raises SessionEndedError, or IdentityProviderUnavailableError when the tokens have run out
        and cannot be renewed now.
        """
        session = await self.find(cookie)
        if session.refresh_due:
            session = await self._renewed(cookie, session)
        return session.principal

    async def find(self, cookie: str) -> Session:
        """The session as it stands. Raises SessionEndedError."""
        session = await self._store.find(cookie)
        if session is None:
            raise SessionEndedError("The session has ended. Sign in again: GET /auth/login.")
        return session

    async def end(self, cookie: str) -> Tokens | None:
        """End the session at once; the tokens that it had, if it was there."""
        sealed = await self._store.end(cookie)
        self._access_tokens.forget()
        return None if sealed is None else unseal(sealed, cookie)

    async def _renewed(self, cookie: str, session: Session) -> Session:
        """The session with newer tokens, by this caller or by the one who is at it already."""
        deadline = time.monotonic() + REFRESH_LEASE.total_seconds()
        while (sealed := await self._store.claim_refresh(cookie, REFRESH_LEASE)) is None:
            session = await self.find(cookie)
            if not session.access_expired:
                return session
            if time.monotonic() > deadline:
                raise IdentityProviderUnavailableError(
                    "The session could not be renewed in time. Try again shortly."
                )
            await asyncio.sleep(POLL_SECONDS)
        return await self._renew(cookie, session, unseal(sealed, cookie))

    async def _renew(self, cookie: str, session: Session, tokens: Tokens) -> Session:
        try:
            await self._keep(cookie, await self._exchanged(session, tokens))
        except (GrantRefusedError, InvalidSignInError) as error:
            await self._store.end(cookie)
            message = "The provider has ended the session. Sign in again: GET /auth/login."
            raise SessionEndedError(message) from error
        except (IdentityProviderUnavailableError, IdentityProviderRefusedError):
            await self._store.release_refresh(cookie)
            if session.access_expired:
                raise
            return session
        return await self.find(cookie)

    async def _exchanged(self, session: Session, tokens: Tokens) -> Tokens:
        """The tokens with those that the provider has renewed, of the same person as before."""
        if tokens.refresh_token is None:
            raise GrantRefusedError
        newer = await self._client.refresh(tokens.refresh_token)
        if newer.id_token is not None:
            identity = await self._id_tokens.identity(newer.id_token, newer.access_token, None)
            if identity.subject != session.principal.subject:
                raise InvalidSignInError("The renewed tokens are of somebody else.")
        return Tokens(
            access_token=newer.access_token,
            refresh_token=newer.refresh_token or tokens.refresh_token,
            id_token=newer.id_token or tokens.id_token,
        )

    async def _keep(self, cookie: str, newer: Tokens) -> None:
        principal = await self._judged(newer)
        sealed = _sealed(newer, principal, cookie)
        kept = await self._store.save_refresh(cookie, principal.scopes, sealed)
        if not kept and newer.refresh_token is not None:
            await self._client.revoke(newer.refresh_token)

    async def _judged(self, tokens: Tokens) -> Principal:
        try:
            return await self._access_tokens.verify(tokens.access_token)
        except (InvalidTokenError, ExpiredTokenError) as error:
            message = "The provider's access token is not for this API. `sensorflow doctor auth`."
            raise InvalidSignInError(message) from error


def _sealed(tokens: Tokens, principal: Principal, cookie: str) -> SealedTokens:
    left = principal.expires_at - time.time()
    ahead = min(REFRESH_AHEAD_SECONDS, left / 2) if tokens.refresh_token else 0
    return SealedTokens(
        sealed=seal(tokens, cookie),
        access_token_hash=digest(tokens.access_token),
        access_expires_at=datetime.fromtimestamp(principal.expires_at, UTC),
        refresh_due_at=datetime.fromtimestamp(principal.expires_at - ahead, UTC),
    )
