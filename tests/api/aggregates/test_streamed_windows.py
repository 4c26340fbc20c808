"""A window of much equipment in one response: streamed in batches, the same as in pages."""

from collections.abc import Sequence
from typing import Any, cast

import httpx2
import pytest
import pytest_asyncio

from api.aggregates.bucket_row import AnyBucketRow
from api.aggregates.parsing import parse_query
from api.aggregates.repository import BATCH_ROWS, AggregateRepository
from core.database import Pool
from core.time import utc_now
from tests.api.aggregates.test_query_plans import OneConnection
from tests.api.stored import HOUR, refresh, this_hour

PATH = "/sensor-data/aggregated"
IDS = BATCH_ROWS // 10
READINGS = """
    INSERT INTO readings (equipment_id, ts, value)
    SELECT 'EQ-' || id, $1::timestamptz + hour * interval '1 hour', id + hour / 10.0
    FROM generate_series(1, $2::int) AS id, generate_series(0, 23) AS hour
"""


@pytest_asyncio.fixture
async def day(pool: Pool) -> Pool:
    """A reading an hour of so much equipment that its last day is more than two batches."""
    first = this_hour() - 23 * HOUR
    await pool.execute(READINGS, first, IDS)
    await refresh(pool, first, first + 20 * HOUR)
    return pool


async def get(client: httpx2.AsyncClient, **parameters: Any) -> dict[str, Any]:
    response = await client.get(PATH, params={"interval": "24h", **parameters})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


@pytest.mark.parametrize("parameters", [{}, {"statistics": "range,count", "tz": "Asia/Tokyo"}])
async def test_batches_hold_the_same_as_pages(
    client: httpx2.AsyncClient, day: Pool, parameters: dict[str, str]
) -> None:
    del day
    whole = await get(client, **parameters)
    assert len(whole["items"]) == 24 * IDS > 2 * BATCH_ROWS
    page = await get(client, **parameters, limit=5_000)
    items = page["items"]
    while page["nextCursor"]:
        page = await get(client, **parameters, limit=5_000, cursor=page["nextCursor"])
        items += page["items"]
    assert whole["items"] == items
    assert whole["totalCount"] == page["totalCount"] == 24 * IDS
    assert whole["average"] == pytest.approx(page["average"])


async def test_a_window_without_rows_is_empty(client: httpx2.AsyncClient) -> None:
    body = await get(client, equipmentId="nobody*")
    assert (body["items"], body["totalCount"], body["average"]) == ([], 0, None)


async def test_a_failure_while_rows_are_fetched_leaves_the_connection_usable(
    day: Pool,
) -> None:
    def fail(_rows: Sequence[AnyBucketRow]) -> None:
        raise LookupError

    query = parse_query([("interval", "24h")], utc_now())
    async with day.acquire() as connection:
        repository = AggregateRepository(cast("Pool", OneConnection(connection)))
        with pytest.raises(LookupError):
            async with repository.snapshot() as snapshot:
                await snapshot.stream_hours(query, fail)
        assert (await repository.state(query)).stale == []
