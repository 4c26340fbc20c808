"""`bench watch`: the five hot figures in minutes, each against a baseline that is none of our code.

bench/regressions.py compares them with those that are committed.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from itertools import islice
from statistics import median

import asyncpg

from bench.answers import HOURS, HOURS_OF_ONE, QueryTimer
from bench.batches import COPY, batches_and_copy
from bench.imports import importing
from bench.measure import Bench, Result, pairs_in_turns, seconds
from bench.month import Month
from bench.single_post import Sender, readings, requests, server
from bench.table import empty
from core.database import Pool

Pairs = list[tuple[float, float]]

IMPORT_ROWS = 500_000
MONTH_ROWS = 1_000_000
INSERTS = 2_000
CONNECTIONS = 10
SCENARIO = "watch, "
SQL = "bare SQL, asyncpg"

CREATE = """
DROP TABLE IF EXISTS bench_inserts;
CREATE TABLE bench_inserts (
    equipment_id text, ts timestamptz, value double precision, PRIMARY KEY (equipment_id, ts)
)
"""
INSERT = "INSERT INTO bench_inserts (equipment_id, ts, value) VALUES ($1, $2, $3)"

Row = tuple[str, datetime, float]


async def watch(bench: Bench) -> list[Result]:
    """Of each turn the ratio, from which the spread is seen."""
    return [
        *await _aggregates(bench),  # before there is anything that the worker would refresh
        _result("import", "rows/s", await _imports(bench), COPY),
        _result("batches", "rows/s", await batches_and_copy(bench), COPY),
        _result("single POST", "requests/s", await _posts(bench), "INSERTs by asyncpg"),
    ]


def _result(name: str, unit: str, pairs: Pairs, baseline_is: str) -> Result:
    measured, baseline = map(median, zip(*pairs, strict=True))
    ratios = [ours / other for ours, other in pairs]
    return Result(
        f"{SCENARIO}{name}", unit, measured, baseline, baseline_is, series={"ratios": ratios}
    )


async def _imports(bench: Bench) -> Pairs:
    async with importing(bench, IMPORT_ROWS) as files:

        async def fresh() -> float:
            return IMPORT_ROWS / (await files.fresh()).loaded

        async def copy() -> float:
            return IMPORT_ROWS / await files.copy()

        return await pairs_in_turns(bench.plan.runs, fresh, copy)


async def _posts(bench: Bench) -> Pairs:
    """Single readings, and as many transactions of one INSERT as there are connections."""
    rows = ((reading.equipment_id, reading.ts, reading.value) for reading in readings())
    async with server(bench) as ours, _inserting(bench) as pool:
        sender = Sender(ours, requests(bench.token))
        pairs = await pairs_in_turns(bench.plan.runs, sender.rate, partial(_inserts, pool, rows))
    await empty(bench.pool)
    return pairs


@asynccontextmanager
async def _inserting(bench: Bench) -> AsyncIterator[Pool]:
    """Connections to a plain table for the baseline, which is dropped at the end of the block."""
    await bench.pool.execute(CREATE)
    try:
        async with asyncpg.create_pool(
            bench.stack.database_url, min_size=CONNECTIONS, max_size=CONNECTIONS
        ) as pool:
            yield pool
    finally:
        await bench.pool.execute("DROP TABLE bench_inserts")


async def _inserts(pool: Pool, rows: Iterator[Row]) -> float:
    """INSERTs/s, each committed by itself."""
    some = iter(list(islice(rows, INSERTS)))

    async def insert() -> None:
        for row in some:
            await pool.execute(INSERT, *row)

    async def together() -> None:
        await asyncio.gather(*(insert() for _ in range(CONNECTIONS)))

    return INSERTS / await seconds(together())


async def _aggregates(bench: Bench) -> list[Result]:
    timer = QueryTimer(bench)
    await Month.of_rows(MONTH_ROWS).fill(bench.pool, tenth=False)
    try:
        every = await pairs_in_turns(
            bench.plan.runs,
            partial(timer.http, 5, interval="24h"),
            partial(timer.sql, 5, HOURS, 24),
        )
        one = await pairs_in_turns(
            bench.plan.runs,
            partial(timer.http, 50, one=True, interval="1m"),
            partial(timer.sql, 50, HOURS_OF_ONE, 720, one=True),
        )
    finally:
        await empty(bench.pool)
    return [
        _result("all equipment, 24h", "ms", every, SQL),
        _result("one equipment, 1m", "ms", one, SQL),
    ]
