"""The hours of every id over two days, against InfluxDB 1.x with the same readings."""

import shutil
from datetime import timedelta
from statistics import median

import httpx2

from bench.answers import QueryTimer
from bench.influx import DATABASE, running_influx
from bench.measure import Bench, Result, seconds
from bench.month import Month
from bench.runs import console
from core.database import Pool
from core.time import HOUR

SPAN = timedelta(hours=48)
LINES = """
SELECT string_agg(
    format(
        'readings,equipment=%s value=%s %s',
        equipment_id, value, (extract(EPOCH FROM ts) * 1000000)::bigint
    ), E'\\n'
)
FROM readings WHERE ts >= $1 AND ts < $1 + INTERVAL '1 hour' HAVING count(*) > 0
"""
OVER = "FROM readings WHERE time >= now() - 48h GROUP BY time(1h), equipment fill(none)"
ALL_STATISTICS = (
    f"SELECT sum(value), count(value), mean(value), min(value), max(value), first(value), "
    f"last(value) {OVER}"
)
AVERAGE = f"SELECT mean(value) {OVER}"
TIMES = 5


async def hours_against_influx(bench: Bench, timer: QueryTimer, month: Month) -> list[Result]:
    """The time InfluxDB takes, against ours; no result where it is not installed."""
    influxd = shutil.which("influxd")
    if influxd is None:
        console.print("  aggregate: without InfluxDB (apt-get install influxdb)")
        return []
    with running_influx(influxd, bench.stack.data_dir / "influx-hours") as url:
        async with httpx2.AsyncClient(base_url=url, timeout=120) as client:
            await _copy(bench.pool, client, month)
            everything = await _milliseconds(client, ALL_STATISTICS)
            average = await _milliseconds(client, AVERAGE)
    ours = await timer.http(TIMES, interval="48h")
    our_average = await timer.http(TIMES, interval="48h", statistics="average")
    name = "hours of all equipment, 48h, InfluxDB"
    return [
        Result(name, "ms", everything, ours, "our answer over HTTP"),
        Result(f"{name}, averages", "ms", average, our_average, "our answer over HTTP"),
    ]


async def _milliseconds(client: httpx2.AsyncClient, statement: str) -> float:
    async def request() -> None:
        answer = await client.get("/query", params={"db": DATABASE, "q": statement})
        answer.raise_for_status()

    return median([await seconds(request()) for _ in range(TIMES)]) * 1000


async def _copy(pool: Pool, client: httpx2.AsyncClient, month: Month) -> None:
    hour = month.end - SPAN - HOUR
    while hour < month.end:
        if lines := await pool.fetchval(LINES, hour):
            answer = await client.post(
                "/write", params={"db": DATABASE, "precision": "u"}, content=lines.encode()
            )
            answer.raise_for_status()
        hour += HOUR
