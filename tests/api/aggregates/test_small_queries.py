"""A few hours of a few ids: found with their state in one statement, neither kept nor shared."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from api.aggregates.memory_cache import MemoryKeep
from api.aggregates.metrics import AnswerMetrics
from api.aggregates.parsing import parse_query
from api.aggregates.query import SMALL_QUERY_ROWS
from api.aggregates.repository import AggregateRepository, Row, State
from api.aggregates.service import AggregateService
from api.auth.visibility import Visibility
from core.database import Pool
from core.scopes import Scope
from core.settings import CacheSettings
from tests.api.stored import HOUR, enter, insert, refresh

PATH = "/sensor-data/aggregated"
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = {"from": "2026-03-10T00:00:00Z", "to": "2026-03-11T00:00:00Z", "resolution": "1h"}
TOLD = "sensorflow_aggregate_answers_total"
VISIBLE = Visibility(Scope.READINGS_READ)


async def ask(client: httpx2.AsyncClient, **parameters: Any) -> dict[str, Any]:
    answer = await client.get(PATH, params={**DAY, **parameters})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return {name: value for name, value in told.items() if name != "asOf"}


def is_small(**parameters: str) -> bool:
    return parse_query([*(DAY | parameters).items()], NOON).is_small


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
def test_what_needs_more_than_a_few_hours_of_ids_is_not_small(parameters: dict[str, str]) -> None:
    assert is_small(equipmentId="a")
    assert not is_small(**parameters)


def test_small_is_so_many_rows_at_most() -> None:
    ids = [("equipmentId", f"e{number}") for number in range(SMALL_QUERY_ROWS // 24 + 1)]
    window = [("interval", "24h"), ("resolution", "1h")]
    assert parse_query([*window, *ids[:-1]], NOON).is_small
    assert not parse_query([*window, *ids], NOON).is_small


async def test_ids_are_told_as_a_prefix_of_them_is(client: httpx2.AsyncClient, pool: Pool) -> None:
    names = ["id-é", "id-B", "id-a", "id-Z"]
    hours = [NOON - number * HOUR for number in range(6)]
    await insert(pool, *((name, hour, len(name)) for name in names for hour in hours))
    await refresh(pool, NOON - 24 * HOUR, NOON - HOUR)
    small = await ask(client, equipmentId=[*names, "id-a"])
    assert len(small["items"]) == len(names) * len(hours)
    assert small == await ask(client, equipmentId="id-*")
    page = await ask(client, equipmentId=names, limit=5)
    assert page["items"] == small["items"][:5]
    assert page["totalCount"] == small["totalCount"]


async def test_nothing_found_is_told_with_its_state(client: httpx2.AsyncClient, pool: Pool) -> None:
    await insert(pool, ("other", NOON, 1))
    await refresh(pool, NOON - HOUR, NOON + 3 * HOUR)
    await enter(pool, NOON, NOON + HOUR)
    told = await ask(client, equipmentId="a")
    assert (told["items"], told["totalCount"], told["average"]) == ([], 0, None)
    assert told["staleRanges"] == [{"from": "2026-03-10T12:00:00Z", "to": "2026-03-10T13:00:00Z"}]


class Changing:
    """A repository whose data are in another state after each answer."""

    def __init__(self) -> None:
        self.version = 1
        self.asked: list[str] = []

    async def state(self, _question: object) -> State:
        self.asked.append("state")
        return State(str(self.version), [])

    async def state_and_hours(self, _question: object) -> tuple[State, list[Row]]:
        self.asked.append("hours")
        return State(str(self.version), []), []


async def test_who_has_the_answer_is_told_so_without_a_look_at_its_hours() -> None:
    changing, metrics = Changing(), AnswerMetrics(registry := CollectorRegistry())
    repository = cast("AggregateRepository", changing)
    service = AggregateService(repository, MemoryKeep(CacheSettings()), metrics)
    query = parse_query([*DAY.items(), ("equipmentId", "a")], NOON + timedelta(days=1))
    first = await service.answer(query, VISIBLE, None)
    known = await service.answer(query, VISIBLE, first.tag)
    assert (known.tag, known.body) == (first.tag, None)
    changing.version = 2
    changed = await service.answer(query, VISIBLE, first.tag)
    assert changed.body
    assert changed.tag != first.tag
    assert changing.asked == ["hours", "state", "state", "hours"]
    counts = {by: registry.get_sample_value(TOLD, {"by": by}) for by in ("found", "not_modified")}
    assert counts == {"found": 2, "not_modified": 1}
