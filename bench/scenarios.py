"""The three hot paths, each against the plainest way to the same database in the same run."""

import csv
import io
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from statistics import median

from bench.measure import Bench, Result, medians_in_turns, seconds
from bench.single_post import single_post

RUNS = 5
IMPORT_ROWS = 200_000
EQUIPMENT = 200
QUERIES = 100

# The same key and the same chunks as readings, so that only the way in differs.
BASELINE_TABLE = """
DROP TABLE IF EXISTS bench_readings;
CREATE TABLE bench_readings (LIKE readings INCLUDING DEFAULTS);
SELECT create_hypertable('bench_readings', by_range('ts', INTERVAL '7 days'));
ALTER TABLE bench_readings ADD PRIMARY KEY (equipment_id, ts);
"""


Scenario = Callable[[Bench], Awaitable[Result]]
numbers = count()


async def csv_import(bench: Bench) -> Result:
    """Upload to done, rollups refreshed, against COPY of the same file into a like table."""
    ours, bare = await medians_in_turns(
        RUNS,
        lambda: _import_rate(bench, _upload_until_done),
        lambda: _import_rate(bench, _copy),
    )
    return Result("CSV import until visible", "rows/s", ours, bare, "COPY, nothing refreshed")


async def aggregate_query(bench: Bench) -> Result:
    """GET the last 24 h over HTTP, against its bare SQL."""
    ours, bare = await medians_in_turns(
        RUNS,
        lambda: _median_milliseconds(partial(_get_aggregated, bench)),
        lambda: _median_milliseconds(partial(_select_aggregated, bench)),
    )
    return Result("aggregate query, 24 h", "ms (median)", ours, bare, "bare SQL, asyncpg")


SCENARIOS: dict[str, Scenario] = {
    "post": single_post,
    "import": csv_import,
    "aggregate": aggregate_query,
}


async def _import_rate(bench: Bench, load: Callable[[Bench, bytes], Awaitable[None]]) -> float:
    content = _file()
    return IMPORT_ROWS / await seconds(load(bench, content))


def _file() -> bytes:
    """Thirty days of readings that no earlier run had, oldest first."""
    run = next(numbers)
    step = timedelta(days=30) / (IMPORT_ROWS // EQUIPMENT)
    start = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(microseconds=run)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("equipmentId", "timestamp", "value"))
    for row in range(IMPORT_ROWS):
        moment = start + step * (row // EQUIPMENT)
        writer.writerow((f"BENCH-{row % EQUIPMENT}", moment.isoformat(), row / 8))
    return text.getvalue().encode()


async def _upload_until_done(bench: Bench, content: bytes) -> None:
    files = {"file": ("bench.csv", content)}
    answer = (await bench.http.post("/sensor-data/upload-csv", files=files)).raise_for_status()
    path = f"/imports/{answer.json()['importId']}"
    outcome = (await bench.http.get(path, params={"wait": "visible"})).json()
    if outcome["state"] != "done":
        raise RuntimeError(f"the import ended {outcome['state']}: {outcome['error']}")


async def _copy(bench: Bench, content: bytes) -> None:
    async with bench.pool.acquire() as connection:
        await connection.copy_to_table(
            "bench_readings",
            source=io.BytesIO(content),
            columns=["equipment_id", "ts", "value"],
            format="csv",
            header=True,
        )


async def _median_milliseconds(one: Callable[[], Awaitable[object]]) -> float:
    return median([await seconds(one()) for _ in range(QUERIES)]) * 1000


async def _get_aggregated(bench: Bench) -> None:
    answer = await bench.http.get("/sensor-data/aggregated", params={"interval": "24h"})
    answer.raise_for_status()


async def _select_aggregated(bench: Bench) -> None:
    await bench.pool.fetch(
        "SELECT * FROM readings_1h WHERE bucket >= now() - INTERVAL '24 hours' AND bucket <= now()"
    )
