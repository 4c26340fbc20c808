"""The Python tools of docs/bi/python.md read the views, and all of them the same numbers."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import psycopg
import pytest
import pytest_asyncio
from adbc_driver_postgresql import dbapi
from polars.testing import assert_frame_equal
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import Engine

from core.database import Connection, Pool, shares_one_session
from tests.bi.sample import load_replay
from tests.conftest import empty_database

PAGE = Path(__file__).parents[2] / "docs" / "bi" / "python.md"
SERIES = ("LIVE-JFK-TEMP", "LIVE-LGA-WIND")
HOURS = """
    SELECT time, equipment_id, average, sample_count
    FROM bi.readings_1h
    ORDER BY time, equipment_id
"""
COLUMNS = ["time", "equipment_id", "average", "sample_count"]


@pytest_asyncio.fixture(scope="module", autouse=True)
async def replay(session_pool: Pool) -> None:
    await empty_database(session_pool)
    await load_replay(session_pool, datetime.now(UTC), SERIES)


@pytest_asyncio.fixture
async def expected(tool: Connection) -> pl.DataFrame:
    """The hours as the driver of the platform itself reads them."""
    return utc(pl.DataFrame([tuple(row) for row in await tool.fetch(HOURS)], COLUMNS, orient="row"))


@pytest.fixture
def engine(tool_url: str) -> Iterator[Engine]:
    engine = create_engine(tool_url.replace("postgresql://", "postgresql+psycopg://"))
    yield engine
    engine.dispose()


def utc(frame: pl.DataFrame) -> pl.DataFrame:
    """The same moments and numbers, however exact a tool's timestamps are."""
    return frame.select(
        pl.col("time").dt.convert_time_zone("UTC").dt.cast_time_unit("us"),
        pl.col("equipment_id"),
        pl.col("average"),
        pl.col("sample_count").cast(pl.Int64),
    )


def test_the_inspector_of_sqlalchemy_finds_every_view_with_types_and_comments(
    engine: Engine,
) -> None:
    inspector = inspect(engine)
    assert {"readings", "readings_1h", "readings_1d", "equipment"} <= set(
        inspector.get_view_names("bi")
    )
    hours = {column["name"]: column for column in inspector.get_columns("readings_1h", "bi")}
    kinds = {name: str(column["type"]) for name, column in hours.items()}
    assert kinds["time"] == "TIMESTAMP"
    assert kinds["equipment_id"] == "TEXT"
    assert kinds["average"] == "DOUBLE PRECISION"
    assert "sum(total_value) / sum(sample_count)" in str(hours["average"]["comment"])
    assert inspector.get_table_comment("readings_1h", "bi")["text"]


def test_sqlalchemy_and_pandas_read_the_same_hours(engine: Engine, expected: pl.DataFrame) -> None:
    with engine.connect() as connection:
        frame = pd.read_sql(text(HOURS), connection)
    assert str(frame["time"].dt.tz) == "UTC"
    assert_frame_equal(utc(pl.from_pandas(frame)), expected)


def test_adbc_gives_polars_arrow_without_a_row_in_between(
    tool_url: str, expected: pl.DataFrame
) -> None:
    with dbapi.connect(tool_url) as connection:
        frame = pl.read_database(HOURS, connection)
    assert_frame_equal(utc(frame), expected)


def test_connectorx_reads_the_same_hours(tool_url: str, expected: pl.DataFrame) -> None:
    frame = pl.read_database_uri(HOURS, tool_url, engine="connectorx")
    assert_frame_equal(utc(frame), expected)


async def test_connectorx_reads_in_parts_at_once(
    tool: Connection, tool_url: str, expected: pl.DataFrame
) -> None:
    if await shares_one_session(tool):
        pytest.skip("the engine has one session, and two readers at once need two")
    part = f"SELECT *, extract(epoch FROM time)::bigint AS epoch FROM ({HOURS}) AS hours"
    frame = pl.read_database_uri(
        part, tool_url, engine="connectorx", partition_on="epoch", partition_num=2
    )
    assert_frame_equal(utc(frame).sort("time", "equipment_id"), expected)


def test_a_server_cursor_of_psycopg_reads_in_pieces(tool_url: str, expected: pl.DataFrame) -> None:
    with psycopg.connect(tool_url) as connection, connection.cursor("hours") as cursor:
        cursor.itersize = 500
        rows = cursor.execute(HOURS).fetchmany(500)
        rows += list(cursor)
    assert_frame_equal(utc(pl.DataFrame(rows, COLUMNS, orient="row")), expected)


def test_psycopg_copies_a_query_as_csv(tool_url: str, expected: pl.DataFrame) -> None:
    with (
        psycopg.connect(tool_url, options="-c timezone=UTC") as connection,
        connection.cursor() as cursor,
        cursor.copy(f"COPY ({HOURS}) TO STDOUT (FORMAT csv, HEADER)") as copy,
    ):
        content = b"".join(bytes(block) for block in copy)
    frame = pl.read_csv(BytesIO(content)).with_columns(
        pl.col("time").str.to_datetime("%Y-%m-%d %H:%M:%S%#z")
    )
    assert_frame_equal(utc(frame), expected)


async def test_the_hours_of_a_week_add_up_to_its_days(tool: Connection) -> None:
    """What a notebook does with pandas, by the weights and not by the averages."""
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start -= timedelta(days=8)
    query = "SELECT * FROM bi.readings_{} WHERE time >= $1 AND time < $2 ORDER BY time"
    frames = [
        pd.DataFrame(
            map(dict, await tool.fetch(query.format(width), start, start + timedelta(days=7)))
        )
        for width in ("1h", "1d")
    ]
    hours, days = (frame.set_index("time") for frame in frames)
    sums = hours.groupby("equipment_id")[["total_value", "sample_count"]].resample("D").sum()
    weighted = (sums["total_value"] / sums["sample_count"]).rename("average")
    by_day = days.set_index("equipment_id", append=True)["average"].swaplevel().sort_index()
    pd.testing.assert_series_equal(weighted, by_day, check_names=False, check_freq=False)


async def test_every_block_of_the_page_runs(
    tool: Connection, tool_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENSORFLOW_BI_URL", tool_url)
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    if await shares_one_session(tool):
        blocks = [block for block in blocks if "partition_num" not in block]
    names: dict[str, Any] = {}
    exec("\n".join(blocks), names)  # noqa: S102  # the page's own text
    names["engine"].dispose()
    assert set(names["week"]["equipment_id"]) == set(SERIES)
    assert names["frame"].index.tz is not None
    assert names["largest"] == await tool.fetchval(
        "SELECT max(value) FROM bi.readings WHERE equipment_id = 'LIVE-JFK-TEMP'"
    )
    assert len(pl.read_csv("days.csv")) == await tool.fetchval(
        "SELECT count(*) FROM bi.readings_1d"
    )
    assert "readings_1d" in names["views"]
