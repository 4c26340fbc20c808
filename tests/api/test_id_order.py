"""Ids are in code point order in every list, whatever the collation of the database."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx2
import pytest
import pytest_asyncio
from pydantic import SecretStr

from core.database import Pool, borrowed, open_pool, shares_one_session
from core.settings import DatabaseSettings
from migrations.runner import upgrade
from tests.api.live.test_live import following, take
from tests.api.serving import server_settings, serving
from tests.api.stored import HOUR, insert, refresh, this_hour
from tests.support.stub_provider import StubProvider

# English has them as _, a, ä, B.
IDS = ["B", "_", "a", "ä"]
ENGLISH = "LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C'"
DATABASE = "sensorflow_english"


@pytest_asyncio.fixture(scope="module")
async def english_url(owner_url: str, session_pool: Pool) -> AsyncIterator[str]:
    """A database of the same server that sorts as English does."""
    async with borrowed(session_pool) as connection:
        if await shares_one_session(connection):
            pytest.skip("this engine has one database")
        try:
            await connection.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0 {ENGLISH}")
        except asyncpg.FeatureNotSupportedError:
            pytest.skip("this server is built without ICU")
    url = urlunsplit(urlsplit(owner_url)._replace(path=f"/{DATABASE}"))
    await upgrade(url)
    yield url
    await session_pool.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")


@pytest_asyncio.fixture
async def english_pool(english_url: str) -> AsyncIterator[Pool]:
    async with await open_pool(DatabaseSettings(url=SecretStr(english_url))) as pool:
        yield pool


@pytest_asyncio.fixture
async def english_client(
    english_url: str, stub_provider: StubProvider, tmp_path: Path
) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"Authorization": f"Bearer {stub_provider.token()}"}
    async with (
        serving(server_settings(english_url, stub_provider.issuer, tmp_path)) as url,
        httpx2.AsyncClient(base_url=url, headers=headers, timeout=20) as client,
    ):
        yield client


async def test_every_list_is_in_code_point_order(client: httpx2.AsyncClient, pool: Pool) -> None:
    await assert_code_point_order(client, pool)


async def test_every_list_is_in_code_point_order_in_a_database_that_sorts_otherwise(
    english_client: httpx2.AsyncClient, english_pool: Pool
) -> None:
    sorted_ids = "SELECT id FROM unnest($1::text[]) AS given (id) ORDER BY id"
    assert [row["id"] for row in await english_pool.fetch(sorted_ids, IDS)] == ["_", "a", "ä", "B"]
    await assert_code_point_order(english_client, english_pool)


async def assert_code_point_order(client: httpx2.AsyncClient, pool: Pool) -> None:
    """Ids that are materialised, new, or both."""
    day = this_hour().replace(hour=0) - 24 * HOUR
    await insert(pool, *((name, day - 24 * HOUR, 1.0) for name in IDS[:3]))
    for rollup in ("readings_1h", "readings_1d"):
        await refresh(pool, day - 48 * HOUR, day, rollup)
    await insert(pool, *((name, day, 1.0) for name in reversed(IDS)))
    time_range = {"from": day.isoformat(), "to": (day + HOUR).isoformat()}
    for limit in (1, 3):
        for selection in ([], ["*"], IDS[::-1], [*IDS[:2], "a*", "ä*"]):
            page = {"limit": limit, "equipmentId": selection}
            assert await ids(client, "/equipment", **page) == IDS
            assert await ids(client, "/sensor-data", **time_range, **page) == IDS
            hours = {**time_range, "resolution": "1h", **page}
            assert await ids(client, "/sensor-data/aggregated", **hours) == IDS
    for selection in ([], IDS[::-1]):
        parameters = {**time_range, "format": "csv", "equipmentId": selection}
        file = (await client.get("/sensor-data", params=parameters)).text
        assert [line.partition(",")[0] for line in file.splitlines()[1:]] == IDS


async def ids(client: httpx2.AsyncClient, path: str, **parameters: Any) -> list[str]:
    """The ids of all pages."""
    collected: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        response = await client.get(path, params={**parameters, **cursor})
        page = response.raise_for_status().json()
        collected += [item["equipmentId"] for item in page["items"]]
        if page["nextCursor"] is None:
            return collected
        cursor = {"cursor": page["nextCursor"]}


async def test_live_readings_of_one_timestamp_are_in_code_point_order(
    english_client: httpx2.AsyncClient,
) -> None:
    timestamp = this_hour().isoformat()
    readings = [{"equipmentId": name, "timestamp": timestamp, "value": 7} for name in reversed(IDS)]
    async with following(english_client) as events:
        await english_client.post("/sensor-data/batch", json=readings)
        received = await take(events, len(IDS))
    assert [event["data"]["equipmentId"] for event in received] == IDS
