"""Kept answers: of two servers, with a Valkey that they share or with a memory each."""

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
from api.aggregates.cursor import Position
from api.aggregates.encoding import Finding
from api.aggregates.memory_cache import ENTRY_BYTES, MemoryKeep
from api.aggregates.metrics import AnswerMetrics
from api.aggregates.parsing import parse_question
from api.aggregates.repository import AggregateRepository, State, Totals
from api.aggregates.service import AggregateService
from api.aggregates.single_flight import Shared
from api.auth.visibility import Visibility
from core.database import Pool
from core.scopes import Scope
from core.settings import CacheSettings, SessionSettings
from core.valkey import valkey_client
from tests.api.aggregates.test_consistency_with_raw import STEPS, Platform, Step, import_work
from tests.api.serving import server_settings, serving
from tests.api.stored import enter
from tests.conftest import empty_database
from tests.support.stub_provider import StubProvider
from tests.support.valkey_server import VALKEY, ValkeyServer, needs_valkey

PATH = "/sensor-data/aggregated"
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOURS = {"from": "2026-03-10T00:00:00Z", "to": "2026-03-11T00:00:00Z", "resolution": "1h"}
NOTHING_KEPT = CacheSettings(max_answer_bytes=0)


@dataclass(frozen=True)
class Replicas:
    """Clients of two servers that keep answers, and of one that keeps none."""

    first: httpx2.AsyncClient
    second: httpx2.AsyncClient
    forgetful: httpx2.AsyncClient
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
        first, second, forgetful = [
            await opened.enter_async_context(
                httpx2.AsyncClient(
                    base_url=await opened.enter_async_context(serving(replace(usual, cache=cache))),
                    headers={"Authorization": f"Bearer {stub_provider.token()}"},
                    timeout=20,
                )
            )
            for cache in (CacheSettings(), CacheSettings(), NOTHING_KEPT)
        ]
        yield Replicas(first, second, forgetful, shared)


async def post(client: httpx2.AsyncClient, name: str, value: float) -> None:
    body = {"equipmentId": name, "timestamp": NOON.isoformat(), "value": value}
    assert (await client.post("/sensor-data", json=body)).status_code == 201


async def get(client: httpx2.AsyncClient, **parameters: Any) -> dict[str, Any]:
    answer = await client.get(PATH, params={**HOURS, **parameters})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def counted(client: httpx2.AsyncClient, by: str) -> float:
    """How many answers came about so."""
    text = (await client.get("/metrics")).text
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "sensorflow_aggregate_answers_total" and sample.labels["by"] == by
    )


def data(told: dict[str, Any]) -> dict[str, Any]:
    """All but the moment it was asked for."""
    return {name: value for name, value in told.items() if name != "asOf"}


async def test_an_answer_is_found_once_and_kept_for_who_asks_the_same(replicas: Replicas) -> None:
    await post(replicas.first, "a", 1)
    first = await get(replicas.first)
    again = await get(replicas.first)
    elsewhere = await get(replicas.second)
    assert data(first) == data(again) == data(elsewhere)
    assert first["asOf"] < again["asOf"] < elsewhere["asOf"]
    assert await counted(replicas.first, "kept") == 1
    assert await counted(replicas.second, "kept") == replicas.shared
    assert await counted(replicas.forgetful, "kept") == 0


async def test_a_kept_answer_says_the_range_that_was_asked_for(replicas: Replicas) -> None:
    await post(replicas.first, "a", 1)
    later = "2026-03-10T11:30:00Z"
    await get(replicas.first, **{"from": "2026-03-10T11:01:00Z"}, limit=1)
    told = await get(replicas.first, **{"from": later}, limit=1)
    assert await counted(replicas.first, "kept") == 1
    assert told == await get(replicas.forgetful, **{"from": later}, limit=1) | {
        "asOf": told["asOf"]
    }


async def test_a_write_anywhere_ends_what_is_kept_everywhere(replicas: Replicas) -> None:
    await post(replicas.first, "a", 1)
    for value in (2, 3):
        for client in (replicas.first, replicas.second):
            assert (await get(client))["average"] == value - 1
        await post(replicas.second, "a", value)
    assert [(await get(client))["average"] for client in (replicas.first, replicas.second)] == [
        3,
        3,
    ]


async def test_an_answer_with_stale_ranges_is_not_kept(replicas: Replicas, pool: Pool) -> None:
    await post(replicas.first, "a", 1)
    await pool.execute("CALL refresh_continuous_aggregate('readings_1h', NULL, now())")
    await pool.execute("DELETE FROM rollup_dirty_ranges")
    await get(replicas.first)
    await enter(pool, NOON, NOON + timedelta(hours=1))
    for _ in range(2):
        assert (await get(replicas.first))["staleRanges"]
    assert await counted(replicas.first, "kept") == 0


async def test_readings_that_no_writer_told_of_are_seen_at_once(
    replicas: Replicas, pool: Pool
) -> None:
    for count in range(3):
        assert (await get(replicas.first))["totalCount"] == count
        await pool.execute(
            "INSERT INTO readings (equipment_id, ts, value) VALUES ('a', $1, 1)",
            NOON + timedelta(minutes=count),
        )


QUESTIONS: list[dict[str, Any]] = [
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
async def test_whatever_is_written_kept_answers_are_those_that_are_found(
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
        for question in QUESTIONS:
            answers = [
                await client.get(PATH, params=question)
                for client in (replicas.first, replicas.second, replicas.first, replicas.forgetful)
            ]
            assert len({answer.headers["etag"] for answer in answers}) == 1
            told = [
                {name: answer.json()[name] for name in ("items", "average", "totalCount")}
                for answer in answers
            ]
            assert all(each == told[-1] for each in told)


@needs_valkey
async def test_a_valkey_that_is_away_costs_no_answer_is_logged_once_and_is_used_when_it_is_back(
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
        assert await counted(client, "found") == 3
        failures = "sensorflow_aggregate_keeping_failures_total 6.0"
        assert failures in (await client.get("/metrics")).text
        with valkey.running() as process:
            await get(client)
            await get(client)
            assert await counted(client, "kept") == 1
            process.send_signal(signal.SIGSTOP)
            assert (await get(client))["totalCount"] == 1
            process.send_signal(signal.SIGCONT)
        assert (await get(client))["totalCount"] == 1


@needs_valkey
async def test_after_a_failure_the_valkey_is_let_alone_for_a_while(tmp_path: Path) -> None:
    metrics = AnswerMetrics(registry := CollectorRegistry())
    url = SecretStr(ValkeyServer(tmp_path).url)
    async with valkey_client(url, 1, as_text=False) as client:
        keep = valkey_cache.ValkeyKeep(client, CacheSettings(), metrics)
        for _ in range(5):
            await keep.put("q", "t", FINDING)
            assert await keep.get("q", "t") is None
    assert registry.get_sample_value("sensorflow_aggregate_keeping_failures_total") == 1


@needs_valkey
async def test_a_valkey_keeps_one_finding_a_question_for_a_while_and_none_too_large(
    valkey: ValkeyServer,
) -> None:
    metrics = AnswerMetrics(registry := CollectorRegistry())
    async with valkey_client(SecretStr(valkey.url), 1, as_text=False) as client:
        keep = valkey_cache.ValkeyKeep(client, CacheSettings(max_answer_bytes=10), metrics)
        await keep.put("q", "old", FINDING)
        await keep.put("q", "new", FINDING)
        await keep.put("large", "t", Finding(Totals(1, 1), bytes(11), None, None))
        assert await keep.get("q", "new") == FINDING
        assert await keep.get("q", "old") is None
        (key,) = await client.keys()
        assert 0 < await client.ttl(key) <= valkey_cache.LIFETIME_SECONDS
        assert registry.get_sample_value("sensorflow_aggregate_keeping_failures_total") == 0
        await client.hset(key, mapping={"new": b"something else"})  # type: ignore[misc]  # typed for both clients
        assert await keep.get("q", "new") is None
        assert registry.get_sample_value("sensorflow_aggregate_keeping_failures_total") == 1


FINDING = Finding(Totals(1.5, 2), b"[]", Position(7, "a"), Totals(0.5, 1))


async def test_memory_is_bounded_and_what_was_asked_for_last_stays() -> None:
    size = ENTRY_BYTES + 100
    keep = MemoryKeep(CacheSettings(max_bytes=3 * size, max_answer_bytes=2 * size))
    finding = Finding(Totals(1, 1), bytes(100), None, None)
    for question in ("a", "b", "c"):
        await keep.put(question, "t", finding)
    assert await keep.get("a", "t") == finding
    await keep.put("d", "t", finding)
    await keep.put("large", "t", Finding(Totals(1, 1), bytes(2 * size), None, None))
    kept = [question for question in ("a", "b", "c", "d") if await keep.get(question, "t")]
    assert kept == ["a", "c", "d"]
    assert await keep.get("large", "t") is None
    assert await keep.get("a", "another") is None


async def test_who_sees_something_else_shares_no_answer(pool: Pool) -> None:
    await pool.execute(
        "INSERT INTO data_changes (equipment_ids, days, token) VALUES ('{a}', $1, 1)", [NOON.date()]
    )
    metrics = AnswerMetrics(registry := CollectorRegistry())
    service = AggregateService(AggregateRepository(pool), MemoryKeep(CacheSettings()), metrics)
    question = parse_question([*HOURS.items()], NOON)
    answers = [
        await service.answer(question, Visibility(scope), None)
        for scope in (Scope.READINGS_READ, Scope.ADMIN, Scope.READINGS_READ)
    ]
    assert answers[0].tag == answers[2].tag != answers[1].tag
    assert registry.get_sample_value("sensorflow_aggregate_answers_total", {"by": "found"}) == 2
    assert registry.get_sample_value("sensorflow_aggregate_answers_total", {"by": "kept"}) == 1


class SlowSnapshot:
    """Always in one state; it finds its rows, which are none, when so many have asked for that."""

    def __init__(self, callers: int) -> None:
        self.queries = 0
        self._expected = callers
        self._all_asked = asyncio.Event()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["SlowSnapshot"]:
        yield self

    async def state(self, _question: object) -> State:
        self._expected -= 1
        if self._expected == 0:
            self._all_asked.set()
        return State("1", [])

    async def page(self, _question: object) -> list[Any]:
        self.queries += 1
        await self._all_asked.wait()
        return []


async def test_who_asks_the_same_at_the_same_time_shares_one_query() -> None:
    slow, metrics = SlowSnapshot(5), AnswerMetrics(registry := CollectorRegistry())
    repository = cast("AggregateRepository", slow)
    service = AggregateService(repository, MemoryKeep(NOTHING_KEPT), metrics)
    question = parse_question([*HOURS.items()], NOON)
    visible = Visibility(Scope.READINGS_READ)
    answers = await asyncio.gather(*(service.answer(question, visible, None) for _ in range(5)))
    assert len({answer.body for answer in answers}) == 1
    assert slow.queries == 1
    assert registry.get_sample_value("sensorflow_aggregate_answers_total", {"by": "shared"}) == 4


async def test_who_waits_for_one_that_fails_is_not_left_waiting() -> None:
    shared = Shared[str]()
    with suppress(LookupError), shared.finding("q"):
        waiting = asyncio.ensure_future(pending(shared))
        await asyncio.sleep(0)
        raise LookupError
    assert await waiting is None
    assert shared.under_way("q") is None


async def test_who_gives_up_waiting_leaves_the_others_waiting() -> None:
    shared = Shared[str]()
    with shared.finding("q") as found:
        waiting, impatient = (asyncio.ensure_future(pending(shared)) for _ in range(2))
        await asyncio.sleep(0)
        impatient.cancel()
        await asyncio.sleep(0)
        found.set_result("this")
    assert await waiting == "this"
    assert impatient.cancelled()


async def pending(shared: Shared[str]) -> str | None:
    future = shared.under_way("q")
    assert future is not None
    return await future
