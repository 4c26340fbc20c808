"""A stream of live events ends with what lets its reader in, by whoever ends that."""

import asyncio
from contextlib import AbstractAsyncContextManager

import httpx2
import pytest

from api.live import service
from tests.api.imports.test_import_events import Event, parsed
from tests.auth.person import TEST_USER, Person, bearing, holding, password_login
from tests.auth.session_stores import SessionsAtRest
from tests.auth.test_sign_out import tokens_of

PATH = "/sensor-data/live"


@pytest.fixture(autouse=True)
def access_is_asked_for_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "HEARTBEAT_SECONDS", 0.1)


async def told_at_the_end(
    stream: AbstractAsyncContextManager[httpx2.Response], signs_out: Person
) -> list[Event]:
    """The events of a stream during which that person signs out."""
    async with asyncio.timeout(20), stream as response:
        assert response.status_code == 200
        events = parsed(response.aiter_lines())
        seen = [await anext(events)]
        assert seen[0]["event"] == "ready"
        seen += [await anext(events) for _ in range(3)]  # access is asked for and granted
        assert (await signs_out.http.post("/auth/logout")).status_code == 200
        seen += [event async for event in events]
    return [event for event in seen if "event" in event]


async def test_a_stream_ends_when_its_session_is_signed_out(
    person: Person, stranger: Person
) -> None:
    await password_login(person.http, *TEST_USER)
    cookie = holding(person.session_cookie)
    events = await told_at_the_end(stranger.http.stream("GET", PATH, headers=cookie), person)
    assert [event["event"] for event in events] == ["ready", "end"]
    assert events[-1]["data"] == {"code": "session_ended"}


async def test_a_stream_by_an_access_token_ends_when_its_session_is_signed_out(
    person: Person, stranger: Person, store: SessionsAtRest
) -> None:
    await password_login(person.http, *TEST_USER)
    token = bearing((await tokens_of(person, store)).access_token)
    events = await told_at_the_end(stranger.http.stream("GET", PATH, headers=token), person)
    assert [event["event"] for event in events] == ["ready", "end"]
    assert events[-1]["data"] == {"code": "invalid_token"}
