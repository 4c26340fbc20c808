"""A few hours of a few ids: read with their state in one statement, not cached or shared."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from api.aggregates.bucket_row import AnyBucketRow
from api.aggregates.memory_cache import MemoryResultCache
from api.aggregates.metrics import AggregateMetrics
from api.aggregates.parsing import parse_query
from api.aggregates.repository import AggregateRepository, DataState
from api.aggregates.route import ONE_STATEMENT_MAX_ROWS, Route, choose_route
from api.aggregates.service import AggregateService
from api.auth.visibility import Visibility
from core.database import Pool
from core.scopes import Scope
from core.settings import CacheSettings
from tests.api.stored import HOUR, enter, insert, refresh

PATH = "/sensor-data/aggregated"
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = {"from": "2026-03-10T00:00:00Z", "to": "2026-03-11T00:00:00Z", "resolution": "1h"}
RESPONSES = "sensorflow_aggregate_answers_total"
VISIBLE = Visibility(Scope.READINGS_READ)


async def get(client: httpx2.AsyncClient, **parameters: Any) -> dict[str, Any]:
    response = await client.get(PATH, params={**DAY, **parameters})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return {name: value for name, value in body.items() if name != "asOf"}


def is_small(pairs: Iterable[tuple[str, str]]) -> bool:
    return choose_route(parse_query([*pairs], NOON)) is Route.ONE_STATEMENT


@pytest.mark.parametrize(
    "parameters",
    [
        {"equipmentId": "a*"},
        {"equipmentId": "a", "groupBy": "all"},
        {"equipmentId": "a", "fill": "null"},
        {"equipmentId": "a", "compare": "1w"},
        {"equipmentId": "a", "resolution": "1d"},
        {"equipmentId": "a", "resolution": "5m"},
        {"equipmentId": "a", "tz": "Asia/Kathmandu"},
        {"equipmentId": "a", "limit": "23"},
        {"equipmentId": "a", "from": "2026-01-01T00:00:00Z"},
        {},
    ],
)
def test_a_query_of_more_than_a_few_hours_of_ids_is_not_small(parameters: dict[str, str]) -> None:
    assert is_small((DAY | {"equipmentId": "a"}).items())
    assert not is_small((DAY | parameters).items())


def test_a_small_query_has_so_many_rows_at_most() -> None:
    ids = [("equipmentId", f"e{number}") for number in range(ONE_STATEMENT_MAX_ROWS // 24 + 1)]
    window = [("interval", "24h"), ("resolution", "1h")]
    assert is_small([*window, *ids[:-1]])
    assert not is_small([*window, *ids])


async def test_ids_give_the_same_as_their_prefix(client: httpx2.AsyncClient, pool: Pool) -> None:
    names = ["id-é", "id-B", "id-a", "id-Z"]
    hours = [NOON - number * HOUR for number in range(6)]
    await insert(pool, *((name, hour, len(name)) for name in names for hour in hours))
    await refresh(pool, NOON - 24 * HOUR, NOON - HOUR)
    small = await get(client, equipmentId=[*names, "id-a"])
    assert len(small["items"]) == len(names) * len(hours)
    assert small == await get(client, equipmentId="id-*")
    page = await get(client, equipmentId=names, limit=5)
    assert page["items"] == small["items"][:5]
    assert page["totalCount"] == small["totalCount"]


async def test_no_rows_still_come_with_their_state(client: httpx2.AsyncClient, pool: Pool) -> None:
    await insert(pool, ("other", NOON, 1))
    await refresh(pool, NOON - HOUR, NOON + 3 * HOUR)
    await enter(pool, NOON, NOON + HOUR)
    body = await get(client, equipmentId="a")
    assert (body["items"], body["totalCount"], body["average"]) == ([], 0, None)
    assert body["staleRanges"] == [{"from": "2026-03-10T12:00:00Z", "to": "2026-03-10T13:00:00Z"}]


class Changing:
    """A repository whose data state can be changed, and that records what was read."""

    def __init__(self) -> None:
        self.version = 1
        self.reads: list[str] = []

    async def state(self, _query: object) -> DataState:
        self.reads.append("state")
        return DataState(str(self.version), [])

    async def state_and_hours(self, _query: object) -> tuple[DataState, list[AnyBucketRow]]:
        self.reads.append("hours")
        return DataState(str(self.version), []), []


async def test_a_client_with_the_response_gets_304_without_a_read_of_the_hours() -> None:
    changing, metrics = Changing(), AggregateMetrics(registry := CollectorRegistry())
    repository = cast("AggregateRepository", changing)
    service = AggregateService(repository, MemoryResultCache(CacheSettings()), metrics)
    query = parse_query([*DAY.items(), ("equipmentId", "a")], NOON + timedelta(days=1))
    first = await service.respond(query, VISIBLE, None)
    not_modified = await service.respond(query, VISIBLE, first.tag)
    assert (not_modified.tag, not_modified.body) == (first.tag, None)
    changing.version = 2
    changed = await service.respond(query, VISIBLE, first.tag)
    assert changed.body
    assert changed.tag != first.tag
    assert changing.reads == ["hours", "state", "state", "hours"]
    counts = {
        by: registry.get_sample_value(RESPONSES, {"by": by}) for by in ("found", "not_modified")
    }
    assert counts == {"found": 2, "not_modified": 1}
