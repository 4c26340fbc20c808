"""The result cache: of two servers that share a Valkey or have a memory cache each."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
import pytest_asyncio
import structlog.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from api.aggregates import valkey_cache
from api.aggregates.cursor import BucketPosition
from api.aggregates.encoding import EncodedResult
from api.aggregates.memory_cache import ENTRY_BYTES, MemoryResultCache
from api.aggregates.metrics import AggregateMetrics
from api.aggregates.parsing import parse_query
from api.aggregates.repository import AggregateRepository, DataState, SampleTotals
from api.aggregates.service import AggregateService
from api.aggregates.single_flight import SingleFlight
from api.auth.visibility import Visibility
from core.database import Pool
from core.scopes import Scope
from core.settings import CacheSettings, SessionSettings
from core.valkey import valkey_client
from tests.api.aggregates.steps import STEPS, Step
from tests.api.aggregates.test_consistency_with_raw import Platform, import_work
from tests.api.serving import server_settings, serving
from tests.api.stored import enter
from tests.conftest import empty_database
from tests.support.stub_provider import StubProvider
from tests.support.valkey_server import VALKEY, ValkeyServer, needs_valkey

PATH = "/sensor-data/aggregated"
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOURS = {"from": "2026-03-10T00:00:00Z", "to": "2026-03-11T00:00:00Z", "resolution": "1h"}
NO_CACHE = CacheSettings(max_answer_bytes=0)


@dataclass(frozen=True)
class Replicas:
    """Clients of two servers with a cache, and of one without."""

    first: httpx2.AsyncClient
    second: httpx2.AsyncClient
    uncached: httpx2.AsyncClient
    shared: bool


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    server = ValkeyServer(tmp_path)
    with server.running():
        yield server


@pytest_asyncio.fixture(params=["memory", VALKEY])
async def replicas(
    request: pytest.FixtureRequest,
    migrated_url: str,
    pool: Pool,
    stub_provider: StubProvider,
    tmp_path: Path,
) -> AsyncIterator[Replicas]:
    del pool
    shared = request.param == "valkey"
    url = request.getfixturevalue("valkey").url if shared else None
    session = SessionSettings(valkey_url=url)
    usual = replace(server_settings(migrated_url, stub_provider.issuer, tmp_path), session=session)
    async with AsyncExitStack() as opened:
        first, second, uncached = [
            await opened.enter_async_context(
                httpx2.AsyncClient(
                    base_url=await opened.enter_async_context(serving(replace(usual, cache=cache))),
                    headers={"Authorization": f"Bearer {stub_provider.token()}"},
                    timeout=20,
                )
            )
            for cache in (CacheSettings(), CacheSettings(), NO_CACHE)
        ]
        yield Replicas(first, second, uncached, shared)


async def post(client: httpx2.AsyncClient, name: str, value: float) -> None:
    body = {"equipmentId": name, "timestamp": NOON.isoformat(), "value": value}
    assert (await client.post("/sensor-data", json=body)).status_code == 201


async def get(client: httpx2.AsyncClient, **parameters: Any) -> dict[str, Any]:
    response = await client.get(PATH, params={**HOURS, **parameters})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def count_responses(client: httpx2.AsyncClient, by: str) -> float:
    """How many responses have their result from there."""
    text = (await client.get("/metrics")).text
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "sensorflow_aggregate_answers_total" and sample.labels["by"] == by
    )


def data(body: dict[str, Any]) -> dict[str, Any]:
    """All but the time of the request."""
    return {name: value for name, value in body.items() if name != "asOf"}


async def test_a_query_is_executed_once_and_cached_for_equivalent_requests(
    replicas: Replicas,
) -> None:
    await post(replicas.first, "a", 1)
    first = await get(replicas.first)
    again = await get(replicas.first)
    elsewhere = await get(replicas.second)
    assert data(first) == data(again) == data(elsewhere)
    assert first["asOf"] < again["asOf"] < elsewhere["asOf"]
    assert await count_responses(replicas.first, "kept") == 1
    assert await count_responses(replicas.second, "kept") == replicas.shared
    assert await count_responses(replicas.uncached, "kept") == 0


async def test_a_cached_response_has_the_range_of_its_request(replicas: Replicas) -> None:
    await post(replicas.first, "a", 1)
    later = "2026-03-10T11:30:00Z"
    await get(replicas.first, **{"from": "2026-03-10T11:01:00Z"}, limit=1)
    body = await get(replicas.first, **{"from": later}, limit=1)
    assert await count_responses(replicas.first, "kept") == 1
    assert body == await get(replicas.uncached, **{"from": later}, limit=1) | {"asOf": body["asOf"]}


async def test_a_write_on_any_server_invalidates_the_cache_of_all(replicas: Replicas) -> None:
    await post(replicas.first, "a", 1)
    for value in (2, 3):
        for client in (replicas.first, replicas.second):
            assert (await get(client))["average"] == value - 1
        await post(replicas.second, "a", value)
    assert [(await get(client))["average"] for client in (replicas.first, replicas.second)] == [
        3,
        3,
    ]


async def test_a_result_with_stale_ranges_is_not_cached(replicas: Replicas, pool: Pool) -> None:
    await post(replicas.first, "a", 1)
    await pool.execute("CALL refresh_continuous_aggregate('readings_1h', NULL, now())")
    await pool.execute("DELETE FROM rollup_dirty_ranges")
    await get(replicas.first)
    await enter(pool, NOON, NOON + timedelta(hours=1))
    for _ in range(2):
        assert (await get(replicas.first))["staleRanges"]
    assert await count_responses(replicas.first, "kept") == 0


async def test_readings_inserted_without_a_ledger_entry_are_seen_at_once(
    replicas: Replicas, pool: Pool
) -> None:
    for count in range(3):
        assert (await get(replicas.first))["totalCount"] == count
        await pool.execute(
            "INSERT INTO readings (equipment_id, ts, value) VALUES ('a', $1, 1)",
            NOON + timedelta(minutes=count),
        )


QUERIES: list[dict[str, Any]] = [
    {"interval": "48h"},
    {"interval": "1m", "equipmentId": "A", "resolution": "1d", "compare": "previous"},
    {"interval": "1w", "groupBy": "all", "limit": 3, "fill": "null"},
]


@pytest.mark.timeout(600)
@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(st.tuples(STEPS, st.booleans()), min_size=1, max_size=8))
async def test_whatever_is_written_cached_responses_equal_uncached_ones(
    replicas: Replicas,
    pool: Pool,
    application_pool: Pool,
    *,
    migrated_url: str,
    tmp_path: Path,
    steps: list[tuple[Step, bool]],
) -> None:
    await empty_database(pool)
    work = import_work(migrated_url, tmp_path, application_pool)
    now = datetime.now(UTC).replace(minute=40, second=0, microsecond=0)
    for step, at_first in steps:
        client = replicas.first if at_first else replicas.second
        await Platform(client, pool, work, now).take(step)
        for parameters in QUERIES:
            responses = [
                await client.get(PATH, params=parameters)
                for client in (replicas.first, replicas.second, replicas.first, replicas.uncached)
            ]
            assert len({response.headers["etag"] for response in responses}) == 1
            bodies = [
                {name: response.json()[name] for name in ("items", "average", "totalCount")}
                for response in responses
            ]
            assert all(body == bodies[-1] for body in bodies)


@needs_valkey
async def test_an_unavailable_valkey_fails_no_request_is_logged_once_and_is_used_once_back(
    migrated_url: str,
    pool: Pool,
    stub_provider: StubProvider,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    del pool
    monkeypatch.setattr(valkey_cache, "PAUSE_SECONDS", 0)
    valkey = ValkeyServer(tmp_path)
    session = SessionSettings(valkey_url=SecretStr(valkey.url))
    usual = replace(server_settings(migrated_url, stub_provider.issuer, tmp_path), session=session)
    headers = {"Authorization": f"Bearer {stub_provider.token()}"}
    async with (
        serving(usual) as url,
        httpx2.AsyncClient(base_url=url, headers=headers, timeout=20) as client,
    ):
        with structlog.testing.capture_logs() as logged:
            await post(client, "a", 1)
            for _ in range(3):
                assert (await get(client))["totalCount"] == 1
        assert [entry["event"] for entry in logged].count("kept_answers_away") == 1
        assert await count_responses(client, "found") == 3
        failures = "sensorflow_aggregate_keeping_failures_total 6.0"
        assert failures in (await client.get("/metrics")).text
        with valkey.running() as process:
            await get(client)
            await get(client)
            assert await count_responses(client, "kept") == 1
            process.send_signal(signal.SIGSTOP)
            assert (await get(client))["totalCount"] == 1
            process.send_signal(signal.SIGCONT)
        assert (await get(client))["totalCount"] == 1


@needs_valkey
async def test_after_a_failure_the_valkey_is_not_used_for_a_while(tmp_path: Path) -> None:
    metrics = AggregateMetrics(registry := CollectorRegistry())
    url = SecretStr(ValkeyServer(tmp_path).url)
    async with valkey_client(url, 1, as_text=False) as client:
        cache = valkey_cache.ValkeyResultCache(client, CacheSettings(), metrics)
        for _ in range(5):
            await cache.put("q", "t", RESULT)
            assert await cache.get("q", "t") is None
    assert registry.get_sample_value("sensorflow_aggregate_keeping_failures_total") == 1


@needs_valkey
async def test_the_valkey_holds_one_result_a_query_for_a_while_and_none_too_large(
    valkey: ValkeyServer,
) -> None:
    metrics = AggregateMetrics(registry := CollectorRegistry())
    async with valkey_client(SecretStr(valkey.url), 1, as_text=False) as client:
        cache = valkey_cache.ValkeyResultCache(client, CacheSettings(max_answer_bytes=10), metrics)
        await cache.put("q", "old", RESULT)
        await cache.put("q", "new", RESULT)
        await cache.put("large", "t", EncodedResult(SampleTotals(1, 1), bytes(11), None, None))
        assert await cache.get("q", "new") == RESULT
        assert await cache.get("q", "old") is None
        (key,) = await client.keys()
        assert 0 < await client.ttl(key) <= valkey_cache.LIFETIME_SECONDS
        assert registry.get_sample_value("sensorflow_aggregate_keeping_failures_total") == 0
        await client.hset(key, mapping={"new": b"something else"})  # type: ignore[misc]  # typed for both clients
        assert await cache.get("q", "new") is None
        assert registry.get_sample_value("sensorflow_aggregate_keeping_failures_total") == 1


RESULT = EncodedResult(SampleTotals(1.5, 2), b"[]", BucketPosition(7, "a"), SampleTotals(0.5, 1))


async def test_memory_is_bounded_and_the_least_recently_used_is_evicted() -> None:
    size = ENTRY_BYTES + 100
    cache = MemoryResultCache(CacheSettings(max_bytes=3 * size, max_answer_bytes=2 * size))
    result = EncodedResult(SampleTotals(1, 1), bytes(100), None, None)
    for key in ("a", "b", "c"):
        await cache.put(key, "t", result)
    assert await cache.get("a", "t") == result
    await cache.put("d", "t", result)
    await cache.put("large", "t", EncodedResult(SampleTotals(1, 1), bytes(2 * size), None, None))
    cached = [key for key in ("a", "b", "c", "d") if await cache.get(key, "t")]
    assert cached == ["a", "c", "d"]
    assert await cache.get("large", "t") is None
    assert await cache.get("a", "another") is None


async def test_callers_with_different_visibility_share_no_result(pool: Pool) -> None:
    await pool.execute(
        "INSERT INTO data_changes (equipment_ids, days, token) VALUES ('{a}', $1, 1)", [NOON.date()]
    )
    metrics = AggregateMetrics(registry := CollectorRegistry())
    service = AggregateService(
        AggregateRepository(pool), MemoryResultCache(CacheSettings()), metrics
    )
    query = parse_query([*HOURS.items()], NOON)
    responses = [
        await service.respond(query, Visibility(scope), None)
        for scope in (Scope.READINGS_READ, Scope.ADMIN, Scope.READINGS_READ)
    ]
    assert responses[0].tag == responses[2].tag != responses[1].tag
    assert registry.get_sample_value("sensorflow_aggregate_answers_total", {"by": "found"}) == 2
    assert registry.get_sample_value("sensorflow_aggregate_answers_total", {"by": "kept"}) == 1


class SlowSnapshot:
    """Always in one state; it has no rows, and returns them once so many requested the state."""

    def __init__(self, callers: int) -> None:
        self.queries = 0
        self._expected = callers
        self._all_requested = asyncio.Event()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["SlowSnapshot"]:
        yield self

    async def state(self, _query: object) -> DataState:
        self._expected -= 1
        if self._expected == 0:
            self._all_requested.set()
        return DataState("1", [])

    async def page(self, _query: object, _route: object) -> list[Any]:
        self.queries += 1
        await self._all_requested.wait()
        return []


async def test_equivalent_requests_at_the_same_time_share_one_execution() -> None:
    slow, metrics = SlowSnapshot(5), AggregateMetrics(registry := CollectorRegistry())
    repository = cast("AggregateRepository", slow)
    service = AggregateService(repository, MemoryResultCache(NO_CACHE), metrics)
    query = parse_query([*HOURS.items()], NOON)
    visible = Visibility(Scope.READINGS_READ)
    responses = await asyncio.gather(*(service.respond(query, visible, None) for _ in range(5)))
    assert len({response.body for response in responses}) == 1
    assert slow.queries == 1
    assert registry.get_sample_value("sensorflow_aggregate_answers_total", {"by": "shared"}) == 4


async def test_waiters_get_none_if_the_leader_fails() -> None:
    executions = SingleFlight[str]()
    with suppress(LookupError), executions.lead("q"):
        waiting = asyncio.ensure_future(pending(executions))
        await asyncio.sleep(0)
        raise LookupError
    assert await waiting is None
    assert executions.in_flight("q") is None


async def test_a_cancelled_waiter_leaves_the_others_waiting() -> None:
    executions = SingleFlight[str]()
    with executions.lead("q") as future:
        waiting, cancelled = (asyncio.ensure_future(pending(executions)) for _ in range(2))
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.sleep(0)
        future.set_result("this")
    assert await waiting == "this"
    assert cancelled.cancelled()


async def pending(executions: SingleFlight[str]) -> str | None:
    result = executions.in_flight("q")
    assert result is not None
    return await result
