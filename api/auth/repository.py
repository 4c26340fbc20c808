from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from api.auth.id_tokens import Identity, LogoutTokenClaims
from api.auth.token_encryption import EncryptedTokens, digest
from api.auth.tokens import Principal
from core.database import Pool, borrowed
from core.queries import queries
from core.scopes import Scope
from core.settings import AuthSettings, SessionSettings


@dataclass(frozen=True, slots=True)
class Session:
    """A live session, as one request needs it."""

    principal: Principal
    refresh_due: bool
    access_expired: bool


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """What is stored of a sign-in while its browser is at the provider."""

    code_verifier: str
    redirect_target: str


@dataclass(frozen=True, slots=True)
class FailureCount:
    """How many sign-ins failed in the current window, and how long it lasts."""

    failures: int
    seconds_left: int


class SessionRepository:
    """The sessions of one provider and one client, in PostgreSQL."""

    def __init__(self, pool: Pool, auth: AuthSettings, session: SessionSettings) -> None:
        self._pool = pool
        self._owner = {"issuer": auth.issuer, "client_id": auth.client_id}
        self._idle_lifetime = session.idle_lifetime

    async def open(
        self,
        cookie: str,
        identity: Identity,
        scopes: frozenset[Scope],
        tokens: EncryptedTokens,
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
        """The session, if it is live. Extends its idle lifetime."""
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
        """The tokens' JWE for the one caller that may refresh them while its lease lasts."""
        async with borrowed(self._pool) as connection:
            encrypted: str | None = await queries().claim_refresh(
                connection, id=digest(cookie), lease=lease
            )
        return encrypted

    async def release_refresh(self, cookie: str) -> None:
        """Let the next caller claim the refresh."""
        async with borrowed(self._pool) as connection:
            await queries().release_refresh(connection, id=digest(cookie))

    async def save_refresh(
        self, cookie: str, scopes: frozenset[Scope], tokens: EncryptedTokens
    ) -> bool:
        """Replace the tokens and revoke the former access token; False if the session has ended."""
        async with borrowed(self._pool) as connection:
            return bool(
                await queries().save_refresh(
                    connection, id=digest(cookie), scopes=sorted(scopes), **_columns(tokens)
                )
            )

    async def end(self, cookie: str) -> str | None:
        """End the session and revoke its access token; returns its tokens' JWE, if it existed."""
        async with borrowed(self._pool) as connection:
            encrypted: str | None = await queries().end_session(connection, id=digest(cookie))
        return encrypted

    async def end_by_logout_token(self, claims: LogoutTokenClaims) -> None:
        """End every session that a logout token names."""
        async with borrowed(self._pool) as connection:
            await queries().end_provider_sessions(
                connection,
                subject=claims.subject,
                provider_session=claims.provider_session,
                **self._owner,
            )


class RevokedTokenRepository:
    """Tokens that must be rejected although they have not expired, by their hash."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def revoke(self, token: str, expires_at: float) -> bool:
        """Revoke a token that expires at `expires_at` (Unix seconds); False if it was revoked."""
        return await self.revoke_hash(digest(token), datetime.fromtimestamp(expires_at, UTC))

    async def revoke_hash(self, token_hash: bytes, expires_at: datetime) -> bool:
        """Revoke the token with this hash; False if it was revoked before."""
        # Longer than the leeway with which an expired token is accepted.
        stored_until = expires_at + timedelta(minutes=1)
        async with borrowed(self._pool) as connection:
            return bool(
                await queries().revoke_token(
                    connection, token_hash=token_hash, expires_at=stored_until
                )
            )

    async def is_revoked(self, token: str) -> bool:
        """Whether the token must be rejected."""
        async with borrowed(self._pool) as connection:
            return bool(await queries().is_token_revoked(connection, token_hash=digest(token)))


class SignInRepository:
    """Pending sign-ins: those whose browser is at the provider."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(
        self, state: str, nonce: str, sign_in: PendingSignIn, lifetime: timedelta
    ) -> None:
        """Store a sign-in that expires after `lifetime`."""
        async with borrowed(self._pool) as connection:
            await queries().add_sign_in(
                connection,
                state_hash=digest(state),
                nonce=nonce,
                code_verifier=sign_in.code_verifier,
                return_to=sign_in.redirect_target,
                lifetime=lifetime,
            )

    async def consume(self, state: str, nonce: str) -> PendingSignIn | None:
        """Delete and return the sign-in with that state and nonce; None the second time."""
        async with borrowed(self._pool) as connection:
            row = await queries().consume_sign_in(connection, state_hash=digest(state), nonce=nonce)
        return None if row is None else PendingSignIn(row["code_verifier"], row["return_to"])


class LoginFailureRepository:
    """Counts of failed sign-ins; keys are stored as hashes, since users type passwords as names."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def increment(self, key: str, window: timedelta) -> FailureCount:
        """Count one failure more under the key; the first one begins a window."""
        async with borrowed(self._pool) as connection:
            row = await queries().increment_failures(connection, key=digest(key), window=window)
        return FailureCount(row["failures"], row["seconds_left"])

    async def decrement(self, key: str) -> None:
        """Count one failure less under the key."""
        async with borrowed(self._pool) as connection:
            await queries().decrement_failures(connection, key=digest(key))

    async def reset(self, key: str) -> None:
        """Delete the count under the key."""
        async with borrowed(self._pool) as connection:
            await queries().reset_failures(connection, key=digest(key))


def _columns(tokens: EncryptedTokens) -> dict[str, object]:
    return {
        "sealed_tokens": tokens.jwe,
        "access_token_hash": tokens.access_token_hash,
        "access_expires_at": tokens.access_expires_at,
        "refresh_due_at": tokens.refresh_due_at,
    }
