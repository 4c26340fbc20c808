"""A window over all equipment, and single readings, while 10,000 readings a second arrive."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from itertools import count
from statistics import median, quantiles

import polars as pl
import psutil

from bench.answers import QueryTimer
from bench.connection import Connection
from bench.load import post_request
from bench.measure import Bench, Result, seconds
from bench.memory import processes
from bench.running_hour import ROLLED, VIEW, fill, until
from bench.runs import console
from bench.table import IDS, empty, require_no_readings
from core.time import HOUR, utc_now

RATE = 10_000  # readings a second, in batches of one reading of each id
BATCH_SECONDS = 1.0
QUERY_SECONDS = 5.0
SINGLE_SECONDS = 0.1
RENEW_SECONDS = 30.0
HTTP_OK, HTTP_CREATED = 200, 201
QUERY, BI_VIEW, CONTROL = "all equipment, 24h", "bi.readings_1h, 24h", "hours that do not change"
SINGLE_P50, SINGLE_P99 = "single reading, p50", "single reading, p99"
# As many rows as the window has, of which none changes: what slows it down is the machine.
UNCHANGED = """
SELECT equipment_id, bucket, total_value, sample_count, minimum, maximum, first, last
FROM materialised_1h WHERE bucket >= $1 AND bucket < $2
"""
SESSIONS = "SELECT pid FROM pg_stat_activity WHERE client_port = ANY($1::int[])"

Minute = dict[str, list[float]]


class Sustained:
    """The load, and the milliseconds of each minute by the name of what took them."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._timer = QueryTimer(bench)
        self._began = time.monotonic()
        self._end = self._began + 60 * bench.plan.minutes
        hour = utc_now().replace(minute=0, second=0, microsecond=0)
        self._unchanged = (hour - 23 * HOUR, hour - HOUR)
        self._numbers = count()
        self.minutes: list[Minute] = [defaultdict(list) for _ in range(int(bench.plan.minutes))]

    async def run(self) -> None:
        """Send and query until the minutes are over."""
        async with asyncio.TaskGroup() as tasks:
            for phase in range(RATE // IDS):
                tasks.create_task(self._send_batches(phase * IDS / RATE))
            tasks.create_task(self._send_singles())
            tasks.create_task(self._regularly(QUERY_SECONDS, self._query))
            tasks.create_task(self._regularly(RENEW_SECONDS, self._renew_token))
            tasks.create_task(self._regularly(60, self._report))

    async def _send_batches(self, phase: float) -> None:
        connection = Connection(self._bench.stack.api_url)

        async def send() -> None:
            body = _batch(utc_now())
            await self._post(connection, "/batch", "application/x-ndjson", body, HTTP_OK)

        await asyncio.sleep(phase)
        await self._regularly(BATCH_SECONDS, send)
        connection.close()

    async def _send_singles(self) -> None:
        connection = Connection(self._bench.stack.api_url)

        async def send() -> None:
            body = _reading(next(self._numbers), utc_now())
            took = await seconds(self._post(connection, "", "application/json", body, HTTP_CREATED))
            self._record("single reading", took * 1000)

        await self._regularly(SINGLE_SECONDS, send)
        connection.close()

    async def _post(
        self, connection: Connection, path: str, content_type: str, body: bytes, expected: int
    ) -> None:
        request = post_request(f"/sensor-data{path}", self._bench.token, content_type, body)
        status = await connection.send(request)
        if status != expected:
            raise RuntimeError(f"POST /sensor-data{path} returned {status}")

    async def _query(self) -> None:
        self._record(QUERY, await self._timer.http(1, interval="24h"))
        self._record(BI_VIEW, await self._timer.sql(1, VIEW, 24))
        control = self._bench.pool.fetch(UNCHANGED, *self._unchanged)
        self._record(CONTROL, 1000 * await seconds(control))

    async def _renew_token(self) -> None:
        token = self._bench.http.token
        await self._bench.http.ensure_active_token(token)  # type: ignore[no-untyped-call]  # no stub

    async def _report(self) -> None:
        number = int((time.monotonic() - self._began) // 60)
        if number:
            figures = figures_of(self.minutes[number - 1])
            parts = (f"{name} {figure:,.1f}" for name, figure in figures.items())
            console.print(f"  minute {number}: {', '.join(parts)}")

    def _record(self, name: str, milliseconds: float) -> None:
        minute = min(int((time.monotonic() - self._began) // 60), len(self.minutes) - 1)
        self.minutes[minute][name].append(milliseconds)

    async def _regularly(self, period: float, work: Callable[[], Awaitable[None]]) -> None:
        due = time.monotonic()
        while due < self._end:
            await asyncio.sleep(max(due - time.monotonic(), 0))
            await work()
            due += period


async def sustained(bench: Bench) -> list[Result]:
    """The figures of the last minute against those of minute 2, and what the worker costs."""
    await require_no_readings(bench.pool)
    try:
        await fill(bench.pool, 1)
        await until(bench.pool, ROLLED)
        load = Sustained(bench)
        before, began = await _worker_seconds(bench), time.monotonic()
        await load.run()
        spent, lasted = await _worker_seconds(bench) - before, time.monotonic() - began
    finally:
        await empty(bench.pool)
    cores = Result(
        f"worker and its sessions, at {RATE:,} readings/s",
        "s of processor time",
        spent,
        lasted * (psutil.cpu_count() or 1),
        "all cores",
    )
    return [*growth([figures_of(minute) for minute in load.minutes]), cores]


def figures_of(minute: Minute) -> dict[str, float]:
    """Milliseconds: the median of each kind of query, p50 and p99 of single readings."""
    singles = quantiles(minute["single reading"], n=100)
    queries = {name: median(minute[name]) for name in (QUERY, BI_VIEW, CONTROL)}
    return queries | {SINGLE_P50: singles[49], SINGLE_P99: singles[98]}


def growth(minutes: Sequence[dict[str, float]]) -> list[Result]:
    """Each figure of the last minute against that of minute 2; p99 against p50 of all minutes."""
    series = {name: [minute[name] for minute in minutes] for name in minutes[-1]}
    of_singles = Result(
        f"single readings' p99, at {RATE:,} readings/s",
        "ms",
        median(series[SINGLE_P99]),
        median(series[SINGLE_P50]),
        "p50, medians of all minutes",
    )
    return [
        Result(
            f"{name}, at {RATE:,} readings/s",
            "ms",
            figures[-1],
            figures[1],
            "minute 2",
            series={"each minute": figures},
        )
        for name, figures in series.items()
    ] + [of_singles]


async def _worker_seconds(bench: Bench) -> float:
    """Processor time of the worker and of its sessions in a database on this machine."""
    workers = processes("worker")
    ports = [link.laddr.port for worker in workers for link in worker.net_connections("tcp")]
    sessions = await bench.pool.fetch(SESSIONS, ports)
    members = [*workers, *(psutil.Process(session["pid"]) for session in sessions)]
    return sum(sum(member.cpu_times()[:2]) for member in members)


def _reading(number: int, now: datetime) -> bytes:
    return (
        f'{{"equipmentId":"ONE-{number % IDS:04d}","timestamp":"{now.isoformat()}","value":1.5}}'
    ).encode()


def _batch(now: datetime) -> bytes:
    number = pl.int_range(IDS)
    return (
        pl.select(
            equipmentId=pl.format("EQ-{}", number.cast(pl.String).str.zfill(4)),
            timestamp=pl.lit(now.isoformat()),
            value=number / 8,
        )
        .write_ndjson()
        .encode()
    )
