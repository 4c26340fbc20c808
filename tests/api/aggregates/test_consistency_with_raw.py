"""Consistency: the API, the SQL views and SQL over the raw table return the same numbers.

Random inserts, late rows, duplicates, replacements, imports and refreshes in random order. After
each step every hour outside the stale ranges must be the same wherever it is queried; with no
stale range left, the totals too. An entity tag is never seen with two results.
"""

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from core.database import Pool
from core.queries import queries
from core.settings import DatabaseSettings, ReadingSettings, StorageSettings, WorkerSettings
from core.storage import Storage
from jobs.csv_import.context import ImportContext
from jobs.csv_import.job import run_import_job
from jobs.rollups.partial_hours import roll_forward
from jobs.rollups.refresh import refresh_dirty_ranges
from tests.api.aggregates.buckets import (
    buckets,
    expected_average,
    fresh,
    is_chosen,
    item_key,
    item_values,
    keyed,
    ranges_of,
)
from tests.api.aggregates.steps import (
    STEPS,
    WIDTHS,
    Compact,
    Import,
    Policy,
    Post,
    PostAtSeam,
    RangeQuery,
    Refresh,
    Roll,
    Step,
    range_queries,
)
from tests.bi import windows as bi_windows
from tests.conftest import empty_database

WINDOWS = ("24h", "48h", "1w", "1m")

RAW_HOURS = """
    SELECT equipment_id, time_bucket('1 hour', ts) AS time, sum(value) AS total_value,
        count(*) AS sample_count, sum(value) / count(*) AS average, min(value) AS minimum,
        max(value) AS maximum, first(value, ts) AS first, last(value, ts) AS last
    FROM readings GROUP BY 1, 2
"""
RAW_DAYS = RAW_HOURS.replace("1 hour", "1 day")
VIEW = """
    SELECT equipment_id, time, total_value, sample_count, average, minimum, maximum, first, last
    FROM bi.readings_{grain}
"""
BUCKETED = """
    SELECT equipment_id, CASE
        WHEN $2::text IS NULL THEN time_bucket($1::interval, ts)
        WHEN $1::interval = '1 day' THEN date_trunc('day', ts, $2)
        ELSE date_trunc('hour', ts, $2)
    END, value FROM readings ORDER BY ts
"""
LATEST = """
    SELECT DISTINCT ON (equipment_id) equipment_id, ts, value
    FROM readings ORDER BY equipment_id, ts DESC
"""
LEDGER = """
    SELECT range_start, range_end FROM rollup_dirty_ranges
    UNION ALL
    SELECT range_start, range_end FROM stale_ranges
"""

PARTIAL_END = "SELECT nullif(end_ts, '-infinity') FROM partial_hours_range"


@dataclass(frozen=True)
class Platform:
    """The platform as this test drives it: over HTTP, and as the worker would."""

    client: httpx2.AsyncClient
    pool: Pool
    work: ImportContext
    now: datetime
    results: dict[str, Any] = field(default_factory=dict)  # by entity tag

    async def take(self, step: Step) -> None:
        match step:
            case Post(reading):
                await self.post(reading)
            case Import(readings):
                await self.import_file(readings)
            case PostAtSeam():
                await self.post_at_seam(step)
            case Refresh():
                assert await refresh_dirty_ranges(self.work.database, self.work.raise_if_stopping)
            case Roll():
                await roll_forward(self.work.pool, self.work.raise_if_stopping)
            case Policy(rollup):
                await self.run_policy(rollup)
            case Compact():
                await queries().compact_changes(self.pool)

    async def post(self, reading: tuple[str, timedelta, float]) -> None:
        answer = await self.client.post("/sensor-data", json=self.body(reading))
        assert answer.status_code == 201, answer.text

    async def post_at_seam(self, step: PostAtSeam) -> None:
        if end := await self.pool.fetchval(PARTIAL_END):
            age = self.now - end - timedelta(microseconds=step.offset)
            await self.post(("A", age, step.value))

    def body(self, reading: tuple[str, timedelta, float]) -> dict[str, Any]:
        equipment_id, age, value = reading
        timestamp = (self.now - age).isoformat()
        return {"equipmentId": equipment_id, "timestamp": timestamp, "value": value}

    async def import_file(self, readings: Iterable[tuple[str, timedelta, float]]) -> None:
        bodies = [self.body(reading) for reading in readings]
        lines = ["equipmentId,timestamp,value", *(",".join(map(str, b.values())) for b in bodies)]
        files = {"file": ("steps.csv", "\n".join(lines))}
        answer = await self.client.post("/sensor-data/upload-csv", files=files)
        import_id = UUID(answer.json()["importId"])
        await run_import_job(self.work, import_id, 0)
        outcome = (await self.client.get(f"/imports/{import_id}")).json()
        assert outcome["state"] == "done"
        assert outcome["counts"]["read"] == len(bodies)
        assert outcome["counts"]["rejected"] == 0

    async def run_policy(self, rollup: str) -> None:
        job = await self.pool.fetchval(
            """
            SELECT job_id FROM timescaledb_information.jobs AS jobs
            INNER JOIN timescaledb_information.continuous_aggregates AS rollups
                ON jobs.hypertable_name
                    IN (rollups.view_name, rollups.materialization_hypertable_name)
            WHERE rollups.view_name = $1 AND jobs.proc_name = 'policy_refresh_continuous_aggregate'
            """,
            rollup,
        )
        await self.pool.execute(f"CALL run_job({job})")

    async def check(self, query: RangeQuery) -> None:
        stale = await self.pool.fetch(LEDGER)
        raw_hours = keyed(await self.pool.fetch(RAW_HOURS))
        await self.check_view("1h", raw_hours, stale, timedelta(hours=1))
        await self.check_view(
            "1d", keyed(await self.pool.fetch(RAW_DAYS)), stale, timedelta(days=1)
        )
        for window in WINDOWS:
            await self.check_window(window, raw_hours)
        await self.check_range(query)
        await self.check_latest(is_complete=not stale)

    async def check_view(
        self, grain: str, raw: Mapping[Any, Any], stale: Iterable[Any], width: timedelta
    ) -> None:
        view = keyed(await self.pool.fetch(VIEW.format(grain=grain)))
        assert fresh(view, stale, width) == fresh(raw, stale, width)

    async def check_window(self, window: str, raw_hours: Mapping[Any, Any]) -> None:
        params = {"interval": window}
        answer = (await self.client.get("/sensor-data/aggregated", params=params)).json()
        start, end = (datetime.fromisoformat(answer[name]) for name in ("from", "to"))
        stale = ranges_of(answer)
        expected = {key: row for key, row in raw_hours.items() if start <= key[1] <= end}
        returned = {item_key(item): item_values(item) for item in answer["items"]}
        width = timedelta(hours=1)
        assert fresh(returned, stale, width) == fresh(expected, stale, width)
        if not stale:
            count = sum(row[1] for row in expected.values())
            assert answer["totalCount"] == count
            total = sum(row[0] for row in expected.values())
            assert answer["average"] == (total / count if count else None)
            await self.check_window_view(window, answer)

    async def check_window_view(self, window: str, answer: Mapping[str, Any]) -> None:
        rows = await self.pool.fetch(bi_windows.VIEW.format(interval=window))
        if any(bi_windows.is_next_hour(row["end_time"], answer) for row in rows):
            return
        assert {row[0]: tuple(row)[1:8] for row in rows} == bi_windows.added_up(answer)
        assert {tuple(row)[8:] for row in rows} <= {bi_windows.hours_of(answer)}

    async def check_latest(self, *, is_complete: bool) -> None:
        """The latest readings are those of the raw rows; all ids are known if nothing is stale."""
        expected = {tuple(row) for row in await self.pool.fetch(LATEST)}
        named = await self.latest(["A", "B", "C"])
        every = await self.latest(["*"])
        assert named == expected
        assert every == expected if is_complete else every <= expected

    async def latest(self, ids: list[str]) -> set[tuple[str, datetime, float]]:
        answer = await self.client.get("/sensor-data/latest", params={"equipmentId": ids})
        return {
            (item["equipmentId"], datetime.fromisoformat(item["timestamp"]), item["value"])
            for item in answer.json()["items"]
        }

    async def check_range(self, query: RangeQuery) -> None:
        start, end = self.now - query.age, self.now - query.age + query.length
        answer = await self.get(query, start, end)
        width = WIDTHS[query.resolution] * (25 / 24 if query.zone else 1)
        rows = await self.pool.fetch(BUCKETED, WIDTHS[query.resolution], query.zone)
        readings = [row for row in rows if is_chosen(row[0], query.equipment)]
        expected = {
            key: row
            for key, row in buckets(readings, together=query.grouping == "all").items()
            if start <= key[1] < end
        }
        stale = ranges_of(answer)
        measured = [item for item in answer["items"] if item["sampleCount"]]
        returned = {item_key(item): item_values(item) for item in measured}
        assert fresh(returned, stale, width) == fresh(expected, stale, width)
        if not stale:
            assert answer["totalCount"] == sum(row[1] or 0 for row in expected.values())
        self.check_fill(query, answer)
        if query.compare:
            await self.check_comparison(query, answer)

    def check_fill(self, query: RangeQuery, answer: Mapping[str, Any]) -> None:
        """Buckets without samples have the values that the fill defines."""
        series: dict[str | None, list[dict[str, Any]]] = {}
        for item in answer["items"]:
            series.setdefault(item.get("equipmentId"), []).append(item)
        if query.fill != "none":
            starts = [[item["intervalStart"] for item in items] for items in series.values()]
            assert all(each == starts[0] for each in starts)
        for items in series.values():
            for index, item in enumerate(items):
                if not item["sampleCount"]:
                    assert item["totalValue"] is None
                    assert item["average"] == expected_average(query.fill, items, index)

    async def check_comparison(self, query: RangeQuery, answer: Mapping[str, Any]) -> None:
        """The earlier range has the same values as when it is queried directly.

        In a stale range hours may hold a late reading that days do not, and totals are from both.
        """
        earlier = answer["compared"]
        start, end = (datetime.fromisoformat(earlier[name]) for name in ("from", "to"))
        direct = await self.get(replace(query, fill="none", compare=None, limit=2_000), start, end)
        assert direct["staleRanges"] == earlier["staleRanges"]
        if not direct["staleRanges"]:
            assert (direct["totalCount"], direct["average"]) == (
                earlier["totalCount"],
                earlier["average"],
            )
        items = {item_key(item): item_values(item) for item in direct["items"]}
        for item in answer["items"]:
            if item["compared"] is not None:
                assert items[item_key(item["compared"])] == item_values(item["compared"])

    async def get(self, query: RangeQuery, start: datetime, end: datetime) -> dict[str, Any]:
        """The response, its pages merged."""
        params: dict[str, Any] = {
            "from": start.isoformat(),
            "to": end.isoformat(),
            "resolution": query.resolution,
            "groupBy": query.grouping,
            "equipmentId": query.equipment,
            "limit": query.limit,
            "fill": query.fill,
            **({"tz": query.zone} if query.zone else {}),
            **({"compare": query.compare} if query.compare else {}),
        }
        items: list[Any] = []
        while True:
            answer = await self.client.get("/sensor-data/aggregated", params=params)
            assert answer.status_code == 200, answer.text
            page: dict[str, Any] = answer.json()
            if not items:
                await self.check_tag(answer.headers["etag"], params, page)
            items += page["items"]
            if page["nextCursor"] is None:
                return {**page, "items": items}
            params["cursor"] = page["nextCursor"]

    async def check_tag(self, tag: str, params: dict[str, Any], page: dict[str, Any]) -> None:
        """A tag has one result; a client that sends it gets 304, unless a range is stale."""
        result = {name: page[name] for name in ("items", "average", "totalCount", "staleRanges")}
        stale = result["staleRanges"] or page.get("compared", {}).get("staleRanges")
        if not stale:
            assert self.results.setdefault(tag, result) == result
        answer = await self.client.get(
            "/sensor-data/aggregated", params=params, headers={"If-None-Match": tag}
        )
        assert answer.status_code == (200 if stale else 304)


def import_work(database_url: str, storage_folder: Path, pool: Pool) -> ImportContext:
    """What the worker imports with."""
    return ImportContext(
        Storage.open(StorageSettings(url=str(storage_folder))),
        DatabaseSettings(url=SecretStr(database_url)),
        WorkerSettings(),
        ReadingSettings(),
        asyncio.Event(),
        5,
        pool,
    )


ANY_STEPS = st.lists(st.tuples(STEPS, range_queries()), min_size=1, max_size=12)
# Hours until the last whole one are materialised, and partial hours begun.
ROLLING: list[Step] = [
    Post(("A", timedelta(hours=2), 1.0)),
    Post(("A", timedelta(minutes=100), 2.0)),
    Post(("A", timedelta(minutes=61), 2.0)),
    Policy("readings_1h"),
    Roll(),
]
PROPERTY = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)


async def require_agreement(platform: Platform, steps: Sequence[tuple[Step, RangeQuery]]) -> None:
    for step, query in [*steps, (Refresh(), steps[0][1]), (Roll(), steps[0][1])]:
        await platform.take(step)
        await platform.check(query)
    assert await platform.pool.fetch(LEDGER) == []


@pytest.mark.timeout(600)
@settings(PROPERTY, max_examples=20)
@given(steps=ANY_STEPS)
async def test_api_views_and_raw_rows_agree_after_every_step(
    client: httpx2.AsyncClient,
    pool: Pool,
    application_pool: Pool,
    *,
    migrated_url: str,
    storage_folder: Path,
    steps: list[tuple[Step, RangeQuery]],
) -> None:
    await empty_database(pool)
    work = import_work(migrated_url, storage_folder, application_pool)
    now = datetime.now(UTC).replace(minute=40, second=0, microsecond=0)
    await require_agreement(Platform(client, pool, work, now), steps)


@pytest.mark.timeout(600)
@settings(PROPERTY, max_examples=int(os.environ.get("SENSORFLOW_TEST_SEAM_EXAMPLES", "8")))
@given(steps=ANY_STEPS)
async def test_they_agree_while_partial_hours_are_rolled_forward(
    client: httpx2.AsyncClient,
    pool: Pool,
    application_pool: Pool,
    *,
    migrated_url: str,
    storage_folder: Path,
    steps: list[tuple[Step, RangeQuery]],
) -> None:
    await empty_database(pool)
    work = import_work(migrated_url, storage_folder, application_pool)
    platform = Platform(client, pool, work, datetime.now(UTC).replace(microsecond=0))
    for step in ROLLING:
        await platform.take(step)
    assert await pool.fetchval("SELECT hours_end < end_ts FROM partial_hours_seam")
    await require_agreement(platform, steps)
