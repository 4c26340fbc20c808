"""A stream of live events ends with the session or access token that authenticates it."""

import asyncio
from contextlib import AbstractAsyncContextManager

import httpx2
import pytest

from api.live import service
from tests.api.imports.test_import_events import Event, parsed
from tests.auth.stored_sessions import StoredSessions
from tests.auth.test_sign_out import tokens_of
from tests.auth.user_agent import (
    TEST_USER,
    UserAgent,
    bearer_header,
    password_login,
    session_header,
)

PATH = "/sensor-data/live"


@pytest.fixture(autouse=True)
def _frequent_access_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "HEARTBEAT_SECONDS", 0.1)


async def events_until_sign_out(
    stream: AbstractAsyncContextManager[httpx2.Response], user: UserAgent
) -> list[Event]:
    """The events of a stream during which the user signs out."""
    async with asyncio.timeout(20), stream as response:
        assert response.status_code == 200
        events = parsed(response.aiter_lines())
        received = [await anext(events)]
        assert received[0]["event"] == "ready"
        received += [await anext(events) for _ in range(3)]  # access is checked and granted
        assert (await user.http.post("/auth/logout")).status_code == 200
        received += [event async for event in events]
    return [event for event in received if "event" in event]


async def test_a_stream_ends_when_its_session_is_signed_out(
    user: UserAgent, other_user: UserAgent
) -> None:
    await password_login(user.http, *TEST_USER)
    cookie = session_header(user.session_cookie)
    events = await events_until_sign_out(other_user.http.stream("GET", PATH, headers=cookie), user)
    assert [event["event"] for event in events] == ["ready", "end"]
    assert events[-1]["data"] == {"code": "session_ended"}


async def test_a_stream_by_an_access_token_ends_when_its_session_is_signed_out(
    user: UserAgent, other_user: UserAgent, store: StoredSessions
) -> None:
    await password_login(user.http, *TEST_USER)
    token = bearer_header((await tokens_of(user, store)).access_token)
    events = await events_until_sign_out(other_user.http.stream("GET", PATH, headers=token), user)
    assert [event["event"] for event in events] == ["ready", "end"]
    assert events[-1]["data"] == {"code": "invalid_token"}
