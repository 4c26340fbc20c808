"""The binary COPY stream is read by the server as the very rows it was made from."""

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.database import Pool
from core.readings import EARLIEST, LATEST
from jobs.csv_import import pgcopy
from jobs.csv_import.pgcopy import copy_stream

SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "id": pl.String,
    "ts": pl.Datetime("us", "UTC"),
    "one": pl.Float64,
    "two": pl.Float64,
}
timestamps = st.datetimes(
    EARLIEST.replace(tzinfo=None), LATEST.replace(tzinfo=None), timezones=st.just(UTC)
)
numbers = st.floats(allow_nan=False)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=9)


@settings(
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=st.lists(st.tuples(texts, timestamps, numbers, numbers), max_size=20))
async def test_the_server_reads_the_rows_that_were_encoded(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, rows: list[tuple[str, datetime, float, float]]
) -> None:
    monkeypatch.setattr(pgcopy, "ROWS_PER_PIECE", 3)
    frame = pl.DataFrame(rows, list(SCHEMA.items()), orient="row")
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "CREATE TEMPORARY TABLE copied (id text, ts timestamptz, one float8, two float8) "
            "ON COMMIT DROP"
        )
        status = await connection.copy_to_table(
            "copied", source=copy_stream(frame), format="binary"
        )
        stored = [tuple(row) for row in await connection.fetch("SELECT * FROM copied")]
    assert status == f"COPY {len(rows)}"
    assert stored == rows
