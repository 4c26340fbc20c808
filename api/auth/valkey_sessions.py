"""Sessions in Valkey, for those who keep them out of the database."""

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
from api.auth.id_tokens import Identity, LogoutNotice
from api.auth.repository import SpentTokenRepository
from api.auth.session_store import SealedTokens, Session
from api.auth.token_encryption import digest
from api.auth.tokens import Principal
from core.scopes import Scope
from core.settings import AuthSettings, SessionSettings

TIMEOUT_SECONDS = 2


class ValkeySessionStore:
    """Sessions in Valkey, those of one provider and one client; spent tokens in PostgreSQL.

    A session ends first and its token is spent then: it is over even if PostgreSQL is away.
    """

    def __init__(
        self,
        client: Valkey,
        auth: AuthSettings,
        session: SessionSettings,
        spent: SpentTokenRepository,
    ) -> None:
        self._script = client.register_script(_operations())
        self._prefix = f"sensorflow:{digest(f'{auth.issuer} {auth.client_id}').hex()}:"
        self._idle_lifetime = _milliseconds(session.idle_lifetime)
        self._spent = spent

    async def open(
        self,
        cookie: str,
        identity: Identity,
        scopes: frozenset[Scope],
        tokens: SealedTokens,
        lifetime: timedelta,
    ) -> None:
        """Store a new session that ends after `lifetime` at the latest."""
        fields = {
            "subject": identity.subject,
            "username": identity.username,
            "provider_session": identity.provider_session or "",
            **_fields(scopes, tokens),
        }
        ends = (_milliseconds(lifetime), self._idle_lifetime)
        await self._call("open", _id(cookie), *ends, *_flat(fields))

    async def find(self, cookie: str) -> Session | None:
        """The session, if it lives. That it was seen now prolongs it."""
        found = await self._call("find", _id(cookie), self._idle_lifetime)
        if found is None:
            return None
        subject, username, scopes, ends_at, refresh_due, access_expired = found
        held = frozenset(map(Scope, scopes.split()))
        principal = Principal(subject, username, held, int(ends_at) / 1000)
        return Session(principal, bool(refresh_due), bool(access_expired))

    async def claim_refresh(self, cookie: str, lease: timedelta) -> str | None:
        """The sealed tokens, for one caller at a time and as long as the lease lasts."""
        sealed: str | None = await self._call("claim_refresh", _id(cookie), _milliseconds(lease))
        return sealed

    async def release_refresh(self, cookie: str) -> None:
        """Let the next caller claim the refresh."""
        await self._call("release_refresh", _id(cookie))

    async def save_refresh(
        self, cookie: str, scopes: frozenset[Scope], tokens: SealedTokens
    ) -> bool:
        """Put newer tokens into the session; False if it has ended meanwhile."""
        fields = _flat(_fields(scopes, tokens))
        former = await self._call("save_refresh", _id(cookie), *fields)
        if former is None:
            return False
        await self._spend(*former)
        return True

    async def end(self, cookie: str) -> str | None:
        """End the session and spend its access token; its sealed tokens, if it was there."""
        ended = await self._call("end", _id(cookie))
        if ended is None:
            return None
        sealed, *access_token = ended
        await self._spend(*access_token)
        return str(sealed)

    async def end_as_told(self, notice: LogoutNotice) -> None:
        """End every session that a logout token names."""
        named = (notice.subject or "", notice.provider_session or "")
        for _, *access_token in await self._call("end_as_told", *named):
            await self._spend(*access_token)

    async def _call(self, operation: str, *arguments: str | int) -> Any:
        with _store_errors():
            return await self._script(args=[operation, self._prefix, *arguments])

    async def _spend(self, token_hash: str, expires_at: str) -> None:
        moment = datetime.fromtimestamp(int(expires_at) / 1000, UTC)
        await self._spent.spend_hash(bytes.fromhex(token_hash), moment)


@contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except (NoConnectionError, NoAnswerError, OutOfMemoryError, ReadOnlyError, OSError) as error:
        raise SessionStoreUnavailableError(
            "The store of the sessions does not answer. Try again shortly."
        ) from error


@cache
def _operations() -> str:
    return Path(__file__).with_suffix(".lua").read_text()


def _id(cookie: str) -> str:
    return digest(cookie).hex()


def _fields(scopes: frozenset[Scope], tokens: SealedTokens) -> dict[str, str | int]:
    return {
        "scopes": " ".join(sorted(scopes)),
        "sealed_tokens": tokens.sealed,
        "access_token_hash": tokens.access_token_hash.hex(),
        "access_expires_at": int(tokens.access_expires_at.timestamp() * 1000),
        "refresh_due_at": int(tokens.refresh_due_at.timestamp() * 1000),
    }


def _flat(fields: Mapping[str, str | int]) -> Iterator[str | int]:
    return chain.from_iterable(fields.items())


def _milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
