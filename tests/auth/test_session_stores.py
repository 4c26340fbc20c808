"""What every store of sessions keeps to."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from pydantic import SecretStr, ValidationError

from api.auth.id_tokens import Identity, LogoutNotice
from api.auth.repository import SpentTokenRepository
from api.auth.session_store import SealedTokens, SessionStore
from api.auth.token_encryption import digest
from api.auth.wiring import open_session_store
from core.database import Pool
from core.scopes import Scope
from core.settings import AuthSettings, SessionSettings
from tests.auth.session_stores import SessionsAtRest, ValkeySessions
from tests.support.valkey_server import VALKEY

LEASE = timedelta(seconds=30)
LIFETIME = timedelta(hours=1)
SCOPES = frozenset({Scope.READINGS_READ, Scope.ADMIN})


def tokens(access_token: str) -> SealedTokens:
    now = datetime.now(UTC)
    expires_at = now + timedelta(minutes=5)
    return SealedTokens(f"sealed {access_token}", digest(access_token), expires_at, now)


def notice(subject: str | None, provider_session: str | None) -> LogoutNotice:
    return LogoutNotice("id", 0, subject, provider_session)


@pytest_asyncio.fixture
async def kept(store: SessionsAtRest, pool: Pool) -> AsyncIterator[SessionStore]:
    auth = AuthSettings(issuer="https://id.example.org", audience="sensorflow-api")
    session = SessionSettings(**store.settings)
    async with open_session_store(auth, session, pool, SpentTokenRepository(pool)) as kept:
        yield kept


async def opened(kept: SessionStore, cookie: str, sid: str | None = None, of: str = "ann") -> None:
    identity = Identity(of, f"{of}@example.org", sid)
    await kept.open(cookie, identity, SCOPES, tokens(f"token of {cookie}"), LIFETIME)


async def alive(kept: SessionStore, *cookies: str) -> list[str]:
    return [cookie for cookie in cookies if await kept.find(cookie)]


async def test_what_was_opened_is_found(kept: SessionStore) -> None:
    await opened(kept, "c")
    session = await kept.find("c")
    assert session
    who = session.principal
    assert (who.subject, who.username, who.scopes) == ("ann", "ann@example.org", SCOPES)
    left = who.expires_at - datetime.now(UTC).timestamp()
    assert left == pytest.approx(LIFETIME.total_seconds(), abs=10)
    assert (session.refresh_due, session.access_expired) == (True, False)
    assert await kept.find("another") is None


async def test_the_refresh_is_claimed_by_one_at_a_time(kept: SessionStore) -> None:
    await opened(kept, "c")
    claims = await asyncio.gather(*(kept.claim_refresh("c", LEASE) for _ in range(9)))
    assert set(claims) == {None, "sealed token of c"}
    assert claims.count(None) == 8
    await kept.release_refresh("c")
    assert await kept.claim_refresh("c", timedelta(milliseconds=1))
    await asyncio.sleep(0.05)
    assert await kept.claim_refresh("c", LEASE), "the lease is over"


async def test_newer_tokens_take_the_place_of_the_spent_one(kept: SessionStore, pool: Pool) -> None:
    await opened(kept, "c")
    assert await kept.claim_refresh("c", LEASE)
    assert await kept.save_refresh("c", frozenset({Scope.ADMIN}), tokens("newer"))
    session = await kept.find("c")
    assert session
    assert session.principal.scopes == {Scope.ADMIN}
    assert await kept.claim_refresh("c", LEASE) == "sealed newer"
    spent = SpentTokenRepository(pool)
    assert await spent.is_spent("token of c")
    assert not await spent.is_spent("newer")


async def test_a_session_that_ended_stays_so(
    kept: SessionStore, store: SessionsAtRest, pool: Pool
) -> None:
    await opened(kept, "c")
    assert await kept.end("c") == "sealed token of c"
    assert await SpentTokenRepository(pool).is_spent("token of c")
    assert not await kept.save_refresh("c", SCOPES, tokens("newer"))
    await kept.release_refresh("c")
    assert (await kept.claim_refresh("c", LEASE), await kept.end("c")) == (None, None)
    assert await store.count() == 0


@pytest.mark.parametrize(
    ("told", "left"),
    [
        (notice(None, "1"), ["b", "c", "d"]),
        (notice("ann", "1"), ["b", "c", "d"]),
        (notice("bob", "1"), ["a", "b", "c", "d"]),
        (notice("ann", None), ["d"]),
        (notice("eve", None), ["a", "b", "c", "d"]),
        (notice(None, "9"), ["a", "b", "c", "d"]),
    ],
)
async def test_a_logout_token_ends_what_it_names(
    kept: SessionStore, pool: Pool, told: LogoutNotice, left: list[str]
) -> None:
    await opened(kept, "a", sid="1")
    await opened(kept, "b", sid="2")
    await opened(kept, "c")
    await opened(kept, "d", sid="3", of="bob")
    await kept.end_as_told(told)
    assert await alive(kept, "a", "b", "c", "d") == left
    assert await SpentTokenRepository(pool).is_spent("token of a") == ("a" not in left)


@pytest.mark.parametrize("session_store", [VALKEY], indirect=True)
async def test_nothing_leads_to_sessions_that_are_over(
    kept: SessionStore, valkey_sessions: ValkeySessions
) -> None:
    await opened(kept, "a", sid="1")
    await opened(kept, "b", sid="1")
    assert await valkey_sessions.indexed() == 4
    await kept.end("a")
    assert await valkey_sessions.indexed() == 2
    await kept.end_as_told(notice("ann", None))
    assert await valkey_sessions.indexed() == 0


@pytest.mark.parametrize("session_store", [VALKEY], indirect=True)
async def test_what_leads_to_sessions_goes_when_their_time_is_over(
    kept: SessionStore, valkey_sessions: ValkeySessions
) -> None:
    short = timedelta(milliseconds=50)
    for subject in ("ann", "bob"):
        await kept.open(subject, Identity(subject, subject, None), SCOPES, tokens(subject), short)
    await opened(kept, "c")
    await asyncio.sleep(0.1)
    await opened(kept, "d")
    assert await valkey_sessions.indexed() == 2, "c and d of ann"


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:6379", "http://127.0.0.1", "valkey://", "valkey://host:port"]
)
def test_what_is_no_address_of_a_valkey_stops_the_start(url: str) -> None:
    with pytest.raises(ValidationError, match=r"valkey://user|Port"):
        SessionSettings(valkey_url=SecretStr(url))
