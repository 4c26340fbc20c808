"""POST /sensor-data/batch with 5,000 lines of NDJSON a request, against psql's COPY of all rows."""

from pathlib import Path

import polars as pl

from bench.load import load, post_request
from bench.measure import Bench, Result, medians_in_turns, seconds
from bench.single_post import require_all_stored
from bench.table import copy_by_psql, empty, require_no_readings, rows_in_order_of_time

ROWS = 200_000
ROWS_A_BATCH = 5_000
CONNECTIONS = 4


async def batches(bench: Bench) -> list[Result]:
    """Rows/s of new readings, timestamps over 30 days, into the emptied table on both sides."""
    await require_no_readings(bench.pool)
    frame = rows_in_order_of_time(ROWS)
    file = bench.stack.data_dir / "batches.csv"
    frame.write_csv(file)
    posts = [_post(bench.token, part) for part in frame.iter_slices(ROWS_A_BATCH)]
    rates = await medians_in_turns(
        bench.plan.runs, lambda: _rate(bench, posts), lambda: _baseline(bench, file)
    )
    await empty(bench.pool)
    name = "psql \\copy into the empty table"
    return [Result("NDJSON batches of 5,000", "rows/s", *rates, name)]


async def _rate(bench: Bench, posts: list[bytes]) -> float:
    await empty(bench.pool)
    seen = await load(bench.stack.api_url, posts, CONNECTIONS)
    require_all_stored(seen, 200)
    return ROWS / seen.seconds


async def _baseline(bench: Bench, file: Path) -> float:
    await empty(bench.pool)
    return ROWS / await seconds(copy_by_psql(bench.stack.database_url, file))


def _post(token: str, rows: pl.DataFrame) -> bytes:
    body = rows.write_ndjson().encode()
    return post_request("/sensor-data/batch", token, "application/x-ndjson", body)
