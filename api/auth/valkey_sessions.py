"""Sessions in Valkey instead of the database."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from valkey.asyncio import Valkey
from valkey.exceptions import ConnectionError as NoConnectionError
from valkey.exceptions import OutOfMemoryError, ReadOnlyError
from valkey.exceptions import TimeoutError as NoAnswerError

from api.auth.errors import SessionStoreUnavailableError
from api.auth.id_tokens import Identity, LogoutTokenClaims
from api.auth.repository import RevokedTokenRepository, Session
from api.auth.token_encryption import EncryptedTokens, digest
from api.auth.tokens import Principal
from core.scopes import Scope
from core.settings import AuthSettings, SessionSettings

TIMEOUT_SECONDS = 2


class ValkeySessionStore:
    """The sessions of one provider and one client in Valkey; revoked tokens in PostgreSQL.

    A session ends first and its access token is revoked then, so that the session ends even if
    PostgreSQL is unavailable.
    """

    def __init__(
        self,
        client: Valkey,
        auth: AuthSettings,
        session: SessionSettings,
        revoked: RevokedTokenRepository,
    ) -> None:
        self._script = client.register_script(_script())
        self._prefix = f"sensorflow:{digest(f'{auth.issuer} {auth.client_id}').hex()}:"
        self._idle_lifetime = _milliseconds(session.idle_lifetime)
        self._revoked = revoked

    async def open(
        self,
        cookie: str,
        identity: Identity,
        scopes: frozenset[Scope],
        tokens: EncryptedTokens,
        lifetime: timedelta,
    ) -> None:
        """Store a new session that ends after `lifetime` at the latest."""
        fields = {
            "subject": identity.subject,
            "username": identity.username,
            "provider_session": identity.provider_session or "",
            **_fields(scopes, tokens),
        }
        lifetimes = (_milliseconds(lifetime), self._idle_lifetime)
        await self._call("open", _id(cookie), *lifetimes, *_flat(fields))

    async def find(self, cookie: str) -> Session | None:
        """The session, if it is live. Extends its idle lifetime."""
        fields = await self._call("find", _id(cookie), self._idle_lifetime)
        if fields is None:
            return None
        subject, username, scope, ends_at, refresh_due, access_expired = fields
        scopes = frozenset(map(Scope, scope.split()))
        principal = Principal(subject, username, scopes, int(ends_at) / 1000)
        return Session(principal, bool(refresh_due), bool(access_expired))

    async def claim_refresh(self, cookie: str, lease: timedelta) -> str | None:
        """The tokens' JWE for the one caller that may refresh them while its lease lasts."""
        encrypted: str | None = await self._call("claim_refresh", _id(cookie), _milliseconds(lease))
        return encrypted

    async def release_refresh(self, cookie: str) -> None:
        """Let the next caller claim the refresh."""
        await self._call("release_refresh", _id(cookie))

    async def save_refresh(
        self, cookie: str, scopes: frozenset[Scope], tokens: EncryptedTokens
    ) -> bool:
        """Replace the tokens and revoke the former access token; False if the session has ended."""
        fields = _flat(_fields(scopes, tokens))
        former_token = await self._call("save_refresh", _id(cookie), *fields)
        if former_token is None:
            return False
        await self._revoke(*former_token)
        return True

    async def end(self, cookie: str) -> str | None:
        """End the session and revoke its access token; returns its tokens' JWE, if it existed."""
        ended = await self._call("end", _id(cookie))
        if ended is None:
            return None
        encrypted, *access_token = ended
        await self._revoke(*access_token)
        return str(encrypted)

    async def end_by_logout_token(self, claims: LogoutTokenClaims) -> None:
        """End every session that a logout token names."""
        arguments = (claims.subject or "", claims.provider_session or "")
        for _, *access_token in await self._call("end_by_logout_token", *arguments):
            await self._revoke(*access_token)

    async def _call(self, operation: str, *arguments: str | int) -> Any:
        with _store_errors():
            return await self._script(args=[operation, self._prefix, *arguments])

    async def _revoke(self, token_hash: str, expires_at_milliseconds: str) -> None:
        expires_at = datetime.fromtimestamp(int(expires_at_milliseconds) / 1000, UTC)
        await self._revoked.revoke_hash(bytes.fromhex(token_hash), expires_at)


@contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except (NoConnectionError, NoAnswerError, OutOfMemoryError, ReadOnlyError, OSError) as error:
        raise SessionStoreUnavailableError(
            "The store of the sessions does not answer. Try again shortly."
        ) from error


@cache
def _script() -> str:
    return Path(__file__).with_suffix(".lua").read_text()


def _id(cookie: str) -> str:
    return digest(cookie).hex()


def _fields(scopes: frozenset[Scope], tokens: EncryptedTokens) -> dict[str, str | int]:
    return {
        "scopes": " ".join(sorted(scopes)),
        "sealed_tokens": tokens.jwe,
        "access_token_hash": tokens.access_token_hash.hex(),
        "access_expires_at": int(tokens.access_expires_at.timestamp() * 1000),
        "refresh_due_at": int(tokens.refresh_due_at.timestamp() * 1000),
    }


def _flat(fields: Mapping[str, str | int]) -> Iterator[str | int]:
    return chain.from_iterable(fields.items())


def _milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
