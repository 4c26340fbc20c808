"""Where sessions are kept, whichever server keeps them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from api.auth.id_tokens import Identity, LogoutNotice
from api.auth.tokens import Principal
from core.scopes import Scope


@dataclass(frozen=True, slots=True)
class Session:
    """A live session, as one request needs it."""

    principal: Principal
    refresh_due: bool
    access_expired: bool


@dataclass(frozen=True, slots=True)
class SealedTokens:
    """A session's tokens as they are stored, with what must be known of them unopened."""

    sealed: str
    access_token_hash: bytes
    access_expires_at: datetime
    refresh_due_at: datetime


class SessionStore(Protocol):
    """The sessions of one provider and one client, shared by all servers of the API.

    Every operation is one step that no other comes between, by the store's own clock. An access
    token that a session parts with is spent. Raises the error of a store that is away.
    """

    async def open(
        self,
        cookie: str,
        identity: Identity,
        scopes: frozenset[Scope],
        tokens: SealedTokens,
        lifetime: timedelta,
    ) -> None:
        """Store a new session that ends after `lifetime` at the latest."""

    async def find(self, cookie: str) -> Session | None:
        """The session, if it lives. That it was seen now is noted."""

    async def claim_refresh(self, cookie: str, lease: timedelta) -> str | None:
        """The sealed tokens, for one caller at a time and as long as the lease lasts."""

    async def release_refresh(self, cookie: str) -> None:
        """Let the next caller claim the refresh."""

    async def save_refresh(
        self, cookie: str, scopes: frozenset[Scope], tokens: SealedTokens
    ) -> bool:
        """Put newer tokens into the session; False if it has ended meanwhile."""

    async def end(self, cookie: str) -> str | None:
        """End the session and spend its access token; its sealed tokens, if it was there."""

    async def end_as_told(self, notice: LogoutNotice) -> None:
        """End every session that a logout token names."""
