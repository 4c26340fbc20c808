"""Live events of servers that are processes of their own, one of which is stopped."""

import asyncio
import signal
import time
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from embedded.identity import IdentityProvider
from tests.api.live.test_live import NOON, following, post, short, take
from tests.api.test_server_process import gateway_token, server_process

MINUTE = timedelta(minutes=1)


@pytest.fixture
def headers(identity_provider: IdentityProvider) -> dict[str, str]:
    token = gateway_token(identity_provider, "readings:read readings:write")
    return {"Authorization": f"Bearer {token}"}


async def stored_values(client: httpx2.AsyncClient) -> list[float]:
    response = await client.get("/sensor-data", params={"equipmentId": "a"})
    return [item["value"] for item in response.raise_for_status().json()["items"]]


async def test_a_server_that_stops_ends_its_streams_and_another_one_resumes_without_a_loss(
    clean_url: str, identity_provider: IdentityProvider, headers: dict[str, str], tmp_path: Path
) -> None:
    folders = tmp_path / "stopping", tmp_path / "staying"
    for folder in folders:
        folder.mkdir()
    with (
        server_process(clean_url, identity_provider.issuer, folders[0]) as (process, stopping),
        server_process(clean_url, identity_provider.issuer, folders[1]) as (_, staying),
    ):
        async with (
            httpx2.AsyncClient(base_url=stopping, headers=headers, timeout=30) as first,
            httpx2.AsyncClient(base_url=staying, headers=headers, timeout=30) as second,
        ):
            async with following(first, "a") as events:
                await post(second, "a", NOON, 1)  # by the other server: both are notified
                received = await take(events, 2)
                started = time.monotonic()
                process.send_signal(signal.SIGTERM)
                rest = [event async for event in events]
            assert [event for event in rest if "event" in event] == []
            assert await asyncio.to_thread(process.wait, 20) == 0
            assert time.monotonic() - started < 10
            assert short(received[0]) == ("reading", "a", 1)
            await post(second, "a", NOON + MINUTE, 2)
            async with following(second, "a", last_event_id=received[-1]["id"]) as events:
                (first_event,) = await take(events, 1)
                assert first_event["event"] == "missed"  # the id is the other server's: fetch again
                assert await stored_values(second) == [1, 2]
                await post(second, "a", NOON + 2 * MINUTE, 3)
                (reading, bucket) = await take(events, 2)
            assert short(reading) == ("reading", "a", 3)
            await post(second, "a", NOON + 3 * MINUTE, 4)
            async with following(second, "a", last_event_id=bucket["id"]) as events:
                assert short((await take(events, 1))[0]) == ("reading", "a", 4)
