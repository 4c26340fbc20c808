"""Many readings per request, as NDJSON or line protocol, against psql's COPY of the same rows."""

from collections.abc import Callable
from statistics import median

import polars as pl

from bench.load import load, post_request
from bench.measure import Bench, Result, pairs_in_turns, seconds
from bench.single_post import require_all_stored
from bench.table import copy_by_psql, empty, require_no_readings, rows_in_order_of_time

ROWS = 200_000
BATCH_ROWS = 5_000
CONNECTIONS = 4
COPY = "psql \\copy into the empty table"

EncodeRequest = Callable[[str, pl.DataFrame], bytes]


async def batches(bench: Bench) -> list[Result]:
    """Rows/s of POST /sensor-data/batch."""
    return [_result("NDJSON batches of 5,000", await batches_and_copy(bench))]


async def line_protocol(bench: Bench) -> list[Result]:
    """Rows/s of POST /api/v2/write."""
    pairs = await _with_copy(bench, as_lines, 204)
    return [_result("line protocol, 5,000 lines", pairs)]


async def batches_and_copy(bench: Bench) -> list[tuple[float, float]]:
    """Rows/s of batches and of psql, of each turn."""
    return await _with_copy(bench, as_ndjson, 200)


def _result(scenario: str, pairs: list[tuple[float, float]]) -> Result:
    ours, copy = map(median, zip(*pairs, strict=True))
    return Result(scenario, "rows/s", ours, copy, COPY)


async def _with_copy(
    bench: Bench, encode_request: EncodeRequest, status: int
) -> list[tuple[float, float]]:
    """New readings, timestamps over 30 days, into the emptied table on both sides."""
    await require_no_readings(bench.pool)
    frame = rows_in_order_of_time(ROWS)
    file = bench.stack.data_dir / "batches.csv"
    frame.write_csv(file)
    posts = [encode_request(bench.token, part) for part in frame.iter_slices(BATCH_ROWS)]

    async def ours() -> float:
        await empty(bench.pool)
        run = await load(bench.stack.api_url, posts, CONNECTIONS)
        require_all_stored(run, status)
        return ROWS / run.seconds

    async def copy() -> float:
        await empty(bench.pool)
        return ROWS / await seconds(copy_by_psql(bench.stack.database_url, file))

    pairs = await pairs_in_turns(bench.plan.runs, ours, copy)
    await empty(bench.pool)
    return pairs


def as_ndjson(token: str, rows: pl.DataFrame) -> bytes:
    """A batch of the rows."""
    body = rows.write_ndjson().encode()
    return post_request("/sensor-data/batch", token, "application/x-ndjson", body)


def as_lines(token: str, rows: pl.DataFrame) -> bytes:
    """The rows as points of one field."""
    nanoseconds = pl.col("timestamp").str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ").dt.epoch("ns")
    line = pl.format("readings,equipment={} value={} {}", "equipmentId", "value", nanoseconds)
    body = "\n".join(rows.select(line).to_series()).encode()
    return post_request("/api/v2/write", token, "text/plain", body)
