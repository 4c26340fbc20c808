"""Sessions: a cookie in the browser, the tokens on the server, refreshed before they expire."""

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
from api.auth.oidc_client import InvalidGrantError, OidcClient
from api.auth.repository import Session
from api.auth.session_store import SessionStore
from api.auth.token_encryption import (
    EncryptedTokens,
    Tokens,
    decrypt_tokens,
    digest,
    encrypt_tokens,
    new_secret,
)
from api.auth.tokens import AccessTokenVerifier, Principal
from core.settings import SessionSettings

# Tokens are refreshed this long before they expire, so that other requests need not wait for it.
REFRESH_MARGIN_SECONDS = 60
# Longer than the provider may take to refresh and to serve its keys: a refresh token works once.
REFRESH_LEASE = timedelta(seconds=30)
POLL_SECONDS = 0.1


class Sessions:
    """Opens, authenticates, refreshes and ends sessions."""

    def __init__(
        self,
        settings: SessionSettings,
        store: SessionStore,
        client: OidcClient,
        access_tokens: AccessTokenVerifier,
        id_tokens: IdTokenVerifier,
    ) -> None:
        self._lifetime = settings.lifetime
        self._store = store
        self._client = client
        self._access_tokens = access_tokens
        self._id_tokens = id_tokens

    async def open(self, tokens: Tokens, nonce: str | None) -> str:
        """The cookie of a new session with the tokens that the provider issued.

        Raises InvalidSignInError when the tokens were not issued for this platform.
        """
        principal = await self._verify_access_token(tokens)
        identity = Identity(principal.subject, principal.username, None)
        if tokens.id_token is not None:
            access_token = tokens.access_token
            identity = await self._id_tokens.verify_id_token(tokens.id_token, access_token, nonce)
        elif nonce is not None:
            raise InvalidSignInError("The provider gave no ID token; ask for the scope openid.")
        cookie = new_secret()
        encrypted = _encrypt(tokens, principal, cookie)
        lifetime = self._lifetime
        if tokens.refresh_token is None:
            lifetime = min(lifetime, encrypted.access_expires_at - datetime.now(UTC))
        await self._store.open(cookie, identity, principal.scopes, encrypted, lifetime)
        return cookie

    async def authenticate(self, cookie: str) -> Principal:
        """The Principal of the session, its tokens refreshed if that is due.

        Raises SessionEndedError, or IdentityProviderUnavailableError when the tokens have expired
        and cannot be refreshed now.
        """
        session = await self.get(cookie)
        if session.refresh_due:
            session = await self._refresh_once(cookie, session)
        return session.principal

    async def get(self, cookie: str) -> Session:
        """The session, its tokens not refreshed. Raises SessionEndedError."""
        session = await self._store.find(cookie)
        if session is None:
            raise SessionEndedError("The session has ended. Sign in again: GET /auth/login.")
        return session

    async def end(self, cookie: str) -> Tokens | None:
        """End the session at once; returns its tokens, if it existed."""
        encrypted = await self._store.end(cookie)
        self._access_tokens.clear_cache()
        return None if encrypted is None else decrypt_tokens(encrypted, cookie)

    async def _refresh_once(self, cookie: str, session: Session) -> Session:
        """The session with refreshed tokens, by this caller or by one that claimed it before."""
        deadline = time.monotonic() + REFRESH_LEASE.total_seconds()
        while (encrypted := await self._store.claim_refresh(cookie, REFRESH_LEASE)) is None:
            session = await self.get(cookie)
            if not session.access_expired:
                return session
            if time.monotonic() > deadline:
                raise IdentityProviderUnavailableError(
                    "The session could not be renewed in time. Try again shortly."
                )
            await asyncio.sleep(POLL_SECONDS)
        return await self._refresh(cookie, session, decrypt_tokens(encrypted, cookie))

    async def _refresh(self, cookie: str, session: Session, tokens: Tokens) -> Session:
        try:
            await self._save(cookie, await self._request_refresh(session, tokens))
        except (InvalidGrantError, InvalidSignInError) as error:
            await self._store.end(cookie)
            message = "The provider has ended the session. Sign in again: GET /auth/login."
            raise SessionEndedError(message) from error
        except (IdentityProviderUnavailableError, IdentityProviderRefusedError):
            await self._store.release_refresh(cookie)
            if session.access_expired:
                raise
            return session
        return await self.get(cookie)

    async def _request_refresh(self, session: Session, tokens: Tokens) -> Tokens:
        """The tokens, replaced by those that the provider issued; of the same user as before."""
        if tokens.refresh_token is None:
            raise InvalidGrantError
        newer = await self._client.refresh(tokens.refresh_token)
        if newer.id_token is not None:
            identity = await self._id_tokens.verify_id_token(
                newer.id_token, newer.access_token, None
            )
            if identity.subject != session.principal.subject:
                raise InvalidSignInError("The renewed tokens are of somebody else.")
        return Tokens(
            access_token=newer.access_token,
            refresh_token=newer.refresh_token or tokens.refresh_token,
            id_token=newer.id_token or tokens.id_token,
        )

    async def _save(self, cookie: str, newer: Tokens) -> None:
        principal = await self._verify_access_token(newer)
        encrypted = _encrypt(newer, principal, cookie)
        saved = await self._store.save_refresh(cookie, principal.scopes, encrypted)
        if not saved and newer.refresh_token is not None:
            await self._client.revoke(newer.refresh_token)

    async def _verify_access_token(self, tokens: Tokens) -> Principal:
        try:
            return await self._access_tokens.verify(tokens.access_token)
        except (InvalidTokenError, ExpiredTokenError) as error:
            message = "The provider's access token is not for this API. `sensorflow doctor auth`."
            raise InvalidSignInError(message) from error


def _encrypt(tokens: Tokens, principal: Principal, cookie: str) -> EncryptedTokens:
    remaining_seconds = principal.expires_at - time.time()
    margin = min(REFRESH_MARGIN_SECONDS, remaining_seconds / 2) if tokens.refresh_token else 0
    return EncryptedTokens(
        jwe=encrypt_tokens(tokens, cookie),
        access_token_hash=digest(tokens.access_token),
        access_expires_at=datetime.fromtimestamp(principal.expires_at, UTC),
        refresh_due_at=datetime.fromtimestamp(principal.expires_at - margin, UTC),
    )
