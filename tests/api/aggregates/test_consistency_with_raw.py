"""Consistency: the API, the SQL views and SQL over the raw table return the same numbers.

Random inserts, late rows, duplicates, replacements, imports and refreshes in random order. After
each step every hour outside the stale ranges must be the same wherever it is queried; with no
stale range left, the totals too. An entity tag is never seen with two results.
"""

import asyncio
from collections.abc import Iterable, Mapping
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
LEDGER = "SELECT range_start, range_end FROM rollup_dirty_ranges"

# Around the two limits of the rollups (15 and 30 minutes ago), across days, chunks and windows.
AGES = st.one_of(
    st.integers(0, 24).map(lambda n: timedelta(minutes=10 * n)),
    st.integers(0, 40 * 24).map(lambda n: timedelta(hours=n)),
)
# Eighths add up without rounding in any order, so equal means equal.
READINGS = st.tuples(
    st.sampled_from(["A", "B", "C"]), AGES, st.integers(-8_000, 8_000).map(lambda n: n / 8)
)


@dataclass(frozen=True)
class Post:
    reading: tuple[str, timedelta, float]


@dataclass(frozen=True)
class Import:
    readings: list[tuple[str, timedelta, float]]


@dataclass(frozen=True)
class Refresh:
    """The worker's."""


@dataclass(frozen=True)
class Policy:
    """The database's own refresh policy, which knows nothing of the ledger."""

    rollup: str


@dataclass(frozen=True)
class Compact:
    """The worker's, which compacts the ledger of changes."""


Step = Post | Import | Refresh | Policy | Compact
STEPS = st.one_of(
    st.builds(Post, READINGS),
    st.builds(Import, st.lists(READINGS, min_size=1, max_size=12)),
    st.builds(Refresh),
    st.builds(Policy, st.sampled_from(["readings_1h", "readings_1d"])),
    st.builds(Compact),
)


@dataclass(frozen=True)
class RangeQuery:
    """A range, by its age and length, and the other parameters."""

    resolution: str
    zone: str | None
    age: timedelta
    length: timedelta
    grouping: str
    equipment: list[str]
    limit: int
    fill: str
    compare: str | None


WIDTHS = {
    "1m": timedelta(minutes=1),
    "5m": timedelta(minutes=5),
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
}
LONGEST = {"1m": 1, "5m": 7, "15m": 31, "1h": 31, "1d": 42}
# Lord Howe changes by half an hour: the database cuts the hours around it in another way.
ZONES = {
    "1h": [None, "America/New_York", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia"],
    "1d": [None, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"],
}
EQUIPMENT: list[list[str]] = [[], ["A"], ["A", "C"], ["B*"], ["*", "A"]]


@st.composite
def range_queries(draw: st.DrawFn) -> RangeQuery:
    resolution = draw(st.sampled_from(list(WIDTHS)))
    fill = draw(st.sampled_from(["none", "none", "null", "previous", "linear"]))
    length = timedelta(minutes=draw(st.integers(1, LONGEST[resolution] * 24 * 60)))
    age = timedelta(minutes=draw(st.integers(-60, 40 * 24 * 60)))
    return RangeQuery(
        resolution,
        draw(st.sampled_from(ZONES.get(resolution, [None]))),
        max(age, length - timedelta(hours=1)),
        length,
        draw(st.sampled_from(["equipment", "all"])),
        draw(st.sampled_from(EQUIPMENT)),
        3 if fill == "none" and draw(st.booleans()) else 2_000,
        fill,
        draw(st.sampled_from([None, None, "previous", "1w", "1y"])),
    )


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
                answer = await self.client.post("/sensor-data", json=self.body(reading))
                assert answer.status_code == 201, answer.text
            case Import(readings):
                await self.import_file(readings)
            case Refresh():
                assert await refresh_dirty_ranges(self.work.database, self.work.raise_if_stopping)
            case Policy(rollup):
                await self.run_policy(rollup)
            case Compact():
                await queries().compact_changes(self.pool)

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


@pytest.mark.timeout(600)
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
@given(steps=st.lists(st.tuples(STEPS, range_queries()), min_size=1, max_size=12))
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
    platform = Platform(client, pool, work, now)
    for step, query in [*steps, (Refresh(), steps[0][1])]:
        await platform.take(step)
        await platform.check(query)
    assert await pool.fetch(LEDGER) == []
