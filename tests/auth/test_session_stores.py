"""The contract of every session store."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from pydantic import SecretStr, ValidationError

from api.auth.id_tokens import Identity, LogoutTokenClaims
from api.auth.repository import RevokedTokenRepository
from api.auth.session_store import SessionStore, open_session_store
from api.auth.token_encryption import EncryptedTokens, digest
from core.database import Pool
from core.scopes import Scope
from core.settings import AuthSettings, SessionSettings
from tests.auth.stored_sessions import StoredSessions, ValkeySessions
from tests.support.valkey_server import VALKEY

LEASE = timedelta(seconds=30)
LIFETIME = timedelta(hours=1)
SCOPES = frozenset({Scope.READINGS_READ, Scope.ADMIN})


def tokens(access_token: str) -> EncryptedTokens:
    now = datetime.now(UTC)
    expires_at = now + timedelta(minutes=5)
    return EncryptedTokens(f"encrypted {access_token}", digest(access_token), expires_at, now)


def logout_claims(subject: str | None, provider_session: str | None) -> LogoutTokenClaims:
    return LogoutTokenClaims("id", 0, subject, provider_session)


@pytest_asyncio.fixture
async def sessions(store: StoredSessions, pool: Pool) -> AsyncIterator[SessionStore]:
    auth = AuthSettings(issuer="https://id.example.org", audience="sensorflow-api")
    session = SessionSettings(**store.settings)
    async with open_session_store(auth, session, pool, RevokedTokenRepository(pool)) as sessions:
        yield sessions


async def opened(
    sessions: SessionStore, cookie: str, sid: str | None = None, of: str = "ann"
) -> None:
    identity = Identity(of, f"{of}@example.org", sid)
    await sessions.open(cookie, identity, SCOPES, tokens(f"token of {cookie}"), LIFETIME)


async def alive(sessions: SessionStore, *cookies: str) -> list[str]:
    return [cookie for cookie in cookies if await sessions.find(cookie)]


async def test_an_opened_session_is_found(sessions: SessionStore) -> None:
    await opened(sessions, "c")
    session = await sessions.find("c")
    assert session
    principal = session.principal
    assert (principal.subject, principal.username, principal.scopes) == (
        "ann",
        "ann@example.org",
        SCOPES,
    )
    left = principal.expires_at - datetime.now(UTC).timestamp()
    assert left == pytest.approx(LIFETIME.total_seconds(), abs=10)
    assert (session.refresh_due, session.access_expired) == (True, False)
    assert await sessions.find("another") is None


async def test_one_caller_at_a_time_claims_the_refresh(sessions: SessionStore) -> None:
    await opened(sessions, "c")
    claims = await asyncio.gather(*(sessions.claim_refresh("c", LEASE) for _ in range(9)))
    assert set(claims) == {None, "encrypted token of c"}
    assert claims.count(None) == 8
    await sessions.release_refresh("c")
    assert await sessions.claim_refresh("c", timedelta(milliseconds=1))
    await asyncio.sleep(0.05)
    assert await sessions.claim_refresh("c", LEASE), "the lease is over"


async def test_a_refresh_replaces_the_tokens_and_revokes_the_former_access_token(
    sessions: SessionStore, pool: Pool
) -> None:
    await opened(sessions, "c")
    assert await sessions.claim_refresh("c", LEASE)
    assert await sessions.save_refresh("c", frozenset({Scope.ADMIN}), tokens("newer"))
    session = await sessions.find("c")
    assert session
    assert session.principal.scopes == {Scope.ADMIN}
    assert await sessions.claim_refresh("c", LEASE) == "encrypted newer"
    revoked = RevokedTokenRepository(pool)
    assert await revoked.is_revoked("token of c")
    assert not await revoked.is_revoked("newer")


async def test_an_ended_session_stays_ended(
    sessions: SessionStore, store: StoredSessions, pool: Pool
) -> None:
    await opened(sessions, "c")
    assert await sessions.end("c") == "encrypted token of c"
    assert await RevokedTokenRepository(pool).is_revoked("token of c")
    assert not await sessions.save_refresh("c", SCOPES, tokens("newer"))
    await sessions.release_refresh("c")
    assert (await sessions.claim_refresh("c", LEASE), await sessions.end("c")) == (None, None)
    assert await store.count() == 0


@pytest.mark.parametrize(
    ("claims", "left"),
    [
        (logout_claims(None, "1"), ["b", "c", "d"]),
        (logout_claims("ann", "1"), ["b", "c", "d"]),
        (logout_claims("bob", "1"), ["a", "b", "c", "d"]),
        (logout_claims("ann", None), ["d"]),
        (logout_claims("eve", None), ["a", "b", "c", "d"]),
        (logout_claims(None, "9"), ["a", "b", "c", "d"]),
    ],
)
async def test_a_logout_token_ends_the_sessions_it_names(
    sessions: SessionStore, pool: Pool, claims: LogoutTokenClaims, left: list[str]
) -> None:
    await opened(sessions, "a", sid="1")
    await opened(sessions, "b", sid="2")
    await opened(sessions, "c")
    await opened(sessions, "d", sid="3", of="bob")
    await sessions.end_by_logout_token(claims)
    assert await alive(sessions, "a", "b", "c", "d") == left
    assert await RevokedTokenRepository(pool).is_revoked("token of a") == ("a" not in left)


@pytest.mark.parametrize("session_store", [VALKEY], indirect=True)
async def test_ended_sessions_are_not_indexed(
    sessions: SessionStore, valkey_sessions: ValkeySessions
) -> None:
    await opened(sessions, "a", sid="1")
    await opened(sessions, "b", sid="1")
    assert await valkey_sessions.count_index_entries() == 4
    await sessions.end("a")
    assert await valkey_sessions.count_index_entries() == 2
    await sessions.end_by_logout_token(logout_claims("ann", None))
    assert await valkey_sessions.count_index_entries() == 0


@pytest.mark.parametrize("session_store", [VALKEY], indirect=True)
async def test_expired_sessions_are_removed_from_the_index(
    sessions: SessionStore, valkey_sessions: ValkeySessions
) -> None:
    short = timedelta(milliseconds=50)
    for subject in ("ann", "bob"):
        await sessions.open(
            subject, Identity(subject, subject, None), SCOPES, tokens(subject), short
        )
    await opened(sessions, "c")
    await asyncio.sleep(0.1)
    await opened(sessions, "d")
    assert await valkey_sessions.count_index_entries() == 2, "c and d of ann"


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:6379", "http://127.0.0.1", "valkey://", "valkey://host:port"]
)
def test_an_invalid_valkey_url_stops_the_start(url: str) -> None:
    with pytest.raises(ValidationError, match=r"does not begin with valkey://|names no host"):
        SessionSettings(valkey_url=SecretStr(url))
