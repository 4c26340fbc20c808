"""What the hot queries read: chunks of their range only, ids by index, no needless raw row."""

import re
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
import pytest_asyncio

from api.aggregates.execution import execute
from api.aggregates.parsing import parse_query
from api.aggregates.repository import AggregateRepository
from api.aggregates.route import choose_page_route
from core.database import Connection, Pool, shares_one_session
from tests.api.stored import HOUR, insert, refresh, this_hour

WEEKS = 12
UNMATERIALISED = "SELECT * FROM unmaterialised($1, $2, $3, '{%}', '{}')"
SCANS = """
    SELECT relname AS chunk, seq_scan + coalesce(idx_scan, 0) AS scans
    FROM pg_stat_xact_all_tables WHERE relname ~ '^_hyper_'
"""
DAY = timedelta(days=1)
FREE_WORKERS = """
    SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0
"""


class Explained:
    """A connection that collects the plan of each statement it executes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.plan: list[str] = []

    async def fetch(self, statement: str, *parameters: object) -> list[Any]:
        explain = f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {statement}"
        lines = [row[0] for row in await self._connection.fetch(explain, *parameters)]
        self.plan += [line for line in lines if "never executed" not in line]
        return await self._connection.fetch(statement, *parameters)

    async def fetchrow(self, statement: str, *parameters: object) -> Any:
        return (await self.fetch(statement, *parameters))[0]

    async def fetchval(self, statement: str, *parameters: object) -> Any:
        return (await self.fetchrow(statement, *parameters))[0]

    def transaction(self, **options: Any) -> AbstractAsyncContextManager[None]:
        return self._connection.transaction(**options)


class OneConnection:
    """A pool of one connection."""

    def __init__(self, connection: Connection | Explained) -> None:
        self._connection = connection

    async def acquire(self, **_options: Any) -> Connection | Explained:
        return self._connection

    async def release(self, _connection: Connection | Explained) -> None:
        pass


@pytest_asyncio.fixture
async def history(pool: Pool) -> Pool:
    """A reading a week of two ids, all but the last two hours materialised."""
    now = this_hour()
    weeks = [now - week * 7 * DAY for week in range(WEEKS)]
    await insert(pool, *((name, week, 1.0) for week in weeks for name in ("a", "b")))
    for rollup in ("readings_1h", "readings_1d"):
        await refresh(pool, weeks[-1] - DAY, now.replace(hour=0), rollup)
    return pool


async def plan(pool: Pool, settings: str = "", **parameters: str) -> list[str]:
    """The nodes that were executed for a query, with the tables and indexes they read."""
    pairs = [(name.rstrip("_"), text) for name, text in parameters.items()]
    async with pool.acquire() as connection:
        if settings:
            await connection.execute(settings)
        explained = Explained(connection)
        repository = AggregateRepository(cast("Pool", OneConnection(explained)))
        async with repository.snapshot() as snapshot:
            query = parse_query(pairs, this_hour())
            await execute(snapshot, query, choose_page_route(query))
    return explained.plan


def span(start: datetime, end: datetime) -> dict[str, str]:
    return {"from_": start.isoformat(), "to_": end.isoformat()}


async def tables(pool: Pool, lines: list[str]) -> set[str]:
    """The hypertables and rollups whose chunks the plan read."""
    return await hypertables(pool, chunks(lines))


async def hypertables(pool: Pool, names: set[str]) -> set[str]:
    """The hypertables and rollups that the chunks are of."""
    rows = await pool.fetch(
        """
        SELECT DISTINCT coalesce(rollups.view_name, chunks.hypertable_name)
        FROM timescaledb_information.chunks AS chunks
        LEFT JOIN timescaledb_information.continuous_aggregates AS rollups
            ON chunks.hypertable_name = rollups.materialization_hypertable_name
        WHERE chunks.chunk_name = any($1)
        """,
        list(names),
    )
    return {row[0] for row in rows}


def chunks(lines: list[str]) -> set[str]:
    return set(re.findall(r" on (_hyper_\d+_\d+_chunk)(?: |$)", "\n".join(lines), re.MULTILINE))


async def test_a_window_reads_only_the_chunks_it_covers(history: Pool) -> None:
    read = chunks(await plan(history, interval="24h"))
    assert 0 < len(read) <= 4


async def test_a_page_of_hours_reads_no_more_of_them_than_it_returns(pool: Pool) -> None:
    now = this_hour()
    hours = [now - (number + 1) * HOUR for number in range(600)]
    await insert(pool, *((name, hour, 1.0) for hour in hours for name in ("a", "b", "c")))
    await refresh(pool, hours[-1], now)
    await pool.execute("ANALYZE")
    lines = await plan(pool, interval="1m", limit="30")
    rows = [int(line.split("rows=")[1].split()[0]) for line in lines if " on _hyper_" in line]
    assert 30 < rows[0] < 40  # the page; its totals read the hours of the last part of a day


async def test_a_materialised_range_is_answered_without_a_raw_row(history: Pool) -> None:
    end = this_hour().replace(hour=0) - 14 * DAY
    for resolution, rollup in (("1h", "readings_1h"), ("1d", "readings_1d")):
        for grouping in ("equipment", "all"):
            lines = await plan(
                history, **span(end - 60 * DAY, end), resolution=resolution, groupBy=grouping
            )
            assert await tables(history, lines) == {rollup}


async def test_buckets_together_may_be_read_in_parallel(history: Pool) -> None:
    async with history.acquire() as connection:
        if await shares_one_session(connection):
            pytest.skip("the engine has one process")
    end = this_hour().replace(hour=0)
    parameters = {**span(end - 60 * DAY, end), "groupBy": "all"}
    for resolution in ("1h", "1d"):
        for equipment in ("*", "a"):
            query = {**parameters, "resolution": resolution, "equipmentId": equipment}
            lines = await plan(history, FREE_WORKERS, **query)
            assert any("Parallel" in line for line in lines)


async def test_what_is_not_materialised_is_summed_from_the_last_chunks_alone(
    history: Pool,
) -> None:
    """A plan does not show what the function reads, but the statistics of its transaction do."""
    now = this_hour()
    for rollup, end in (("1h", now + HOUR), ("1d", now.replace(hour=0) + DAY)):
        for stop, read in ((end, True), (end - 14 * DAY, False)):
            async with history.acquire() as connection, connection.transaction():
                before = {*await connection.fetch(SCANS)}
                rows = await connection.fetch(UNMATERIALISED, rollup, end - 60 * DAY, stop)
                scanned = {row["chunk"] for row in {*await connection.fetch(SCANS)} - before}
            assert {row["equipment_id"] for row in rows} == ({"a", "b"} if read else set())
            assert scanned <= await unmaterialised_chunks(history)
            assert bool(scanned) == read


async def test_few_hours_of_an_id_are_read_from_their_chunks_alone(history: Pool) -> None:
    now = this_hour()
    for end, read_from in ((now + HOUR, "readings"), (now + HOUR - 14 * DAY, None)):
        parameters = span(end - 20 * DAY, end) | {"resolution": "1h", "equipmentId": "a"}
        query = parse_query([(name.rstrip("_"), text) for name, text in parameters.items()], now)
        async with history.acquire() as connection, connection.transaction():
            before = {*await connection.fetch(SCANS)}
            repository = AggregateRepository(cast("Pool", OneConnection(connection)))
            _, rows = await repository.state_and_hours(query)
            scanned = {row["chunk"] for row in {*await connection.fetch(SCANS)} - before}
        assert len(rows) == 3
        read = await hypertables(history, scanned)
        assert read == {"readings_1h", read_from} - {None}
        assert len(scanned) <= 3


async def unmaterialised_chunks(pool: Pool) -> set[str]:
    """Those that reach past a watermark, which lies after the last bucket with readings."""
    rows = await pool.fetch(
        """
        SELECT chunk_name FROM timescaledb_information.chunks
        WHERE range_end > least(rollup_watermark('readings_1h'), rollup_watermark('readings_1d'))
        """
    )
    return {row[0] for row in rows}


async def test_days_of_a_zone_on_the_whole_hour_need_no_raw_row(history: Pool) -> None:
    end = this_hour().replace(hour=0) - 14 * DAY
    parameters = {**span(end - 30 * DAY, end), "resolution": "1d"}
    lines = await plan(history, **parameters, tz="America/New_York")
    assert await tables(history, lines) == {"readings_1h"}
    cut = await plan(history, **parameters, tz="Asia/Kathmandu", equipmentId="a")
    assert await tables(history, cut) == {"readings_1h", "readings"}


async def test_minutes_read_only_the_raw_chunks_of_their_range(history: Pool) -> None:
    end = this_hour() - 14 * DAY + HOUR
    lines = await plan(history, **span(end - DAY, end), resolution="1m")
    assert await tables(history, lines) == {"readings"}
    assert len(chunks(lines)) <= 2


async def test_ids_are_looked_up_and_no_other_row_is_read(history: Pool) -> None:
    end = this_hour().replace(hour=0) - 14 * DAY
    for resolution, days in (("1m", 1), ("1h", 30), ("1d", 30)):
        lines = await plan(
            history, **span(end - days * DAY, end), resolution=resolution, equipmentId="a"
        )
        assert not [line for line in lines if "Rows Removed by Filter" in line]
