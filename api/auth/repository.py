from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from api.auth.id_tokens import Identity, LogoutNotice
from api.auth.session_store import SealedTokens, Session
from api.auth.token_encryption import digest
from api.auth.tokens import Principal
from core.database import Pool, borrowed
from core.queries import queries
from core.scopes import Scope
from core.settings import AuthSettings, SessionSettings


@dataclass(frozen=True, slots=True)
class SignInUnderWay:
    """What a browser that is at the provider comes back to."""

    code_verifier: str
    return_to: str


@dataclass(frozen=True, slots=True)
class FailureCount:
    """How many sign-ins failed in the window at hand, and when the next window begins."""

    failures: int
    seconds_left: int


class SessionRepository:
    """Sessions in PostgreSQL, those of one provider and one client."""

    def __init__(self, pool: Pool, auth: AuthSettings, session: SessionSettings) -> None:
        self._pool = pool
        self._owner = {"issuer": auth.issuer, "client_id": auth.client_id}
        self._idle_lifetime = session.idle_lifetime

    async def open(
        self,
        cookie: str,
        identity: Identity,
        scopes: frozenset[Scope],
        tokens: SealedTokens,
        lifetime: timedelta,
    ) -> None:
        """Store a new session that ends after `lifetime` at the latest."""
        async with borrowed(self._pool) as connection:
            await queries().open_session(
                connection,
                id=digest(cookie),
                subject=identity.subject,
                username=identity.username,
                provider_session=identity.provider_session,
                scopes=sorted(scopes),
                lifetime=lifetime,
                **self._owner,
                **_columns(tokens),
            )

    async def find(self, cookie: str) -> Session | None:
        """The session, if it lives. That it was seen now is noted."""
        async with borrowed(self._pool) as connection:
            row = await queries().find_session(
                connection, id=digest(cookie), idle_lifetime=self._idle_lifetime, **self._owner
            )
        if row is None:
            return None
        scopes = frozenset(map(Scope, row["scopes"]))
        ends_at = row["ends_at"].timestamp()
        principal = Principal(row["subject"], row["username"], scopes, ends_at)
        return Session(principal, row["refresh_due"], row["access_expired"])

    async def claim_refresh(self, cookie: str, lease: timedelta) -> str | None:
        """The sealed tokens, for one caller at a time and as long as the lease lasts."""
        async with borrowed(self._pool) as connection:
            sealed: str | None = await queries().claim_refresh(
                connection, id=digest(cookie), lease=lease
            )
        return sealed

    async def release_refresh(self, cookie: str) -> None:
        """Let the next caller claim the refresh."""
        async with borrowed(self._pool) as connection:
            await queries().release_refresh(connection, id=digest(cookie))

    async def save_refresh(
        self, cookie: str, scopes: frozenset[Scope], tokens: SealedTokens
    ) -> bool:
        """Put newer tokens into the session; False if it has ended meanwhile."""
        async with borrowed(self._pool) as connection:
            return bool(
                await queries().save_refresh(
                    connection, id=digest(cookie), scopes=sorted(scopes), **_columns(tokens)
                )
            )

    async def end(self, cookie: str) -> str | None:
        """End the session and spend its access token; its sealed tokens, if it was there."""
        async with borrowed(self._pool) as connection:
            sealed: str | None = await queries().end_session(connection, id=digest(cookie))
        return sealed

    async def end_as_told(self, notice: LogoutNotice) -> None:
        """End every session that a logout token names."""
        async with borrowed(self._pool) as connection:
            await queries().end_provider_sessions(
                connection,
                subject=notice.subject,
                provider_session=notice.provider_session,
                **self._owner,
            )


class SpentTokenRepository:
    """Tokens that must not be used again, by their hash, until they would have expired."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def spend(self, token: str, expires_at: float) -> bool:
        """Note that the token is used up; False if that was known."""
        return await self.spend_hash(digest(token), datetime.fromtimestamp(expires_at, UTC))

    async def spend_hash(self, token_hash: bytes, expires_at: datetime) -> bool:
        """Note it of the token with this hash; False if that was known."""
        moment = expires_at + timedelta(minutes=1)
        async with borrowed(self._pool) as connection:
            return bool(
                await queries().spend_token(connection, token_hash=token_hash, expires_at=moment)
            )

    async def is_spent(self, token: str) -> bool:
        """Whether the token is used up."""
        async with borrowed(self._pool) as connection:
            return bool(await queries().is_spent(connection, token_hash=digest(token)))


class SignInRepository:
    """Sign-ins that browsers have begun."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def begin(
        self, state: str, nonce: str, sign_in: SignInUnderWay, lifetime: timedelta
    ) -> None:
        """Remember a sign-in until it is finished or its time is over."""
        async with borrowed(self._pool) as connection:
            await queries().begin_sign_in(
                connection,
                state_hash=digest(state),
                nonce=nonce,
                code_verifier=sign_in.code_verifier,
                return_to=sign_in.return_to,
                lifetime=lifetime,
            )

    async def take(self, state: str, nonce: str) -> SignInUnderWay | None:
        """The sign-in with that state and nonce, for the first who asks."""
        async with borrowed(self._pool) as connection:
            row = await queries().take_sign_in(connection, state_hash=digest(state), nonce=nonce)
        return None if row is None else SignInUnderWay(row["code_verifier"], row["return_to"])


class FailureRepository:
    """Counts of failed sign-ins; names are stored as hashes, since people type passwords there."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def count(self, key: str, window: timedelta) -> FailureCount:
        """One failure more under the key."""
        async with borrowed(self._pool) as connection:
            row = await queries().count_failure(connection, key=digest(key), span=window)
        return FailureCount(row["failures"], row["seconds_left"])

    async def discount(self, key: str) -> None:
        """One failure less under the key."""
        async with borrowed(self._pool) as connection:
            await queries().discount_failure(connection, key=digest(key))

    async def forget(self, key: str) -> None:
        """No failure under the key."""
        async with borrowed(self._pool) as connection:
            await queries().forget_failures(connection, key=digest(key))


def _columns(tokens: SealedTokens) -> dict[str, object]:
    return {
        "sealed_tokens": tokens.sealed,
        "access_token_hash": tokens.access_token_hash,
        "access_expires_at": tokens.access_expires_at,
        "refresh_due_at": tokens.refresh_due_at,
    }
