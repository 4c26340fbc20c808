"""The store of the sessions: PostgreSQL, or Valkey where the settings name one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Protocol

from api.auth.id_tokens import Identity, LogoutTokenClaims
from api.auth.repository import RevokedTokenRepository, Session, SessionRepository
from api.auth.token_encryption import EncryptedTokens
from core.database import Pool
from core.scopes import Scope
from core.settings import AuthSettings, SessionSettings


class SessionStore(Protocol):
    """The sessions of one provider and one client, shared by all servers of the API.

    Every operation is atomic and uses the store's own clock. An access token that a session no
    longer holds is revoked. Raises DatabaseUnavailableError or SessionStoreUnavailableError.
    """

    async def open(
        self,
        cookie: str,
        identity: Identity,
        scopes: frozenset[Scope],
        tokens: EncryptedTokens,
        lifetime: timedelta,
    ) -> None:
        """Store a new session that ends after `lifetime` at the latest."""

    async def find(self, cookie: str) -> Session | None:
        """The session, if it is live. Extends its idle lifetime."""

    async def claim_refresh(self, cookie: str, lease: timedelta) -> str | None:
        """The tokens' JWE for the one caller that may refresh them while its lease lasts."""

    async def release_refresh(self, cookie: str) -> None:
        """Let the next caller claim the refresh."""

    async def save_refresh(
        self, cookie: str, scopes: frozenset[Scope], tokens: EncryptedTokens
    ) -> bool:
        """Replace the tokens and revoke the former access token; False if the session has ended."""

    async def end(self, cookie: str) -> str | None:
        """End the session and revoke its access token; returns its tokens' JWE, if it existed."""

    async def end_by_logout_token(self, claims: LogoutTokenClaims) -> None:
        """End every session that a logout token names."""


@asynccontextmanager
async def open_session_store(
    auth: AuthSettings, session: SessionSettings, pool: Pool, revoked: RevokedTokenRepository
) -> AsyncIterator[SessionStore]:
    """The store that the settings choose, whether it is reachable yet or not."""
    if session.valkey_url is None:
        yield SessionRepository(pool, auth, session)
        return
    # Imported here, since a server without a Valkey spares the 7 MB of its client.
    from api.auth.valkey_sessions import (  # noqa: PLC0415  # as said
        TIMEOUT_SECONDS,
        ValkeySessionStore,
    )
    from core.valkey import valkey_client  # noqa: PLC0415  # as said

    async with valkey_client(session.valkey_url, TIMEOUT_SECONDS) as client:
        yield ValkeySessionStore(client, auth, session, revoked)
