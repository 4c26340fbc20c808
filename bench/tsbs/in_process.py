"""DuckDB and chDB, in the process of the benchmark: `make bench-engines` installs them."""

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from bench.tsbs.data import Data
from bench.tsbs.questions import Question
from bench.tsbs.sql import Dialect
from bench.tsbs.system import Row, System, epoch

DUCKDB = Dialect(
    readings="readings",
    bucket="time_bucket(INTERVAL '{seconds} seconds', ts)",
    moment="TIMESTAMP '{time}'",
    last_readings=(
        "SELECT equipment_id, max(ts), arg_max(value, ts) FROM readings "
        "WHERE equipment_id LIKE '{prefix}%' GROUP BY equipment_id"
    ),
    gap_seconds="epoch(ts - {previous})",
)
CLICKHOUSE = Dialect(
    readings="readings",
    bucket="toStartOfInterval(ts, INTERVAL {seconds} SECOND)",
    moment="toDateTime('{time}', 'UTC')",
    last_readings=(
        "SELECT equipment_id, max(ts), argMax(value, ts) FROM readings "
        "WHERE equipment_id LIKE '{prefix}%' GROUP BY equipment_id"
    ),
    gap_seconds="dateDiff('second', {previous}, ts)",
    previous="lagInFrame(ts, 1, ts)",
)
CREATE_CLICKHOUSE = """
CREATE TABLE readings (equipment_id LowCardinality(String), ts DateTime('UTC'), value Float64)
ENGINE = MergeTree ORDER BY (equipment_id, ts)
"""
EPOCH_SECONDS = "SETTINGS date_time_output_format = 'unix_timestamp'"


class DuckDb(System):
    """A table in a file, in order of time."""

    name = "DuckDB"

    def __init__(self, folder: Path) -> None:
        self._parquet = folder / "readings.parquet"
        self._connection = import_module("duckdb").connect(str(folder / "duckdb"))

    async def load(self, data: Data) -> None:
        """Read a Parquet file."""
        write_parquet(data, self._parquet)
        self._connection.execute(
            f"CREATE TABLE readings AS SELECT * FROM '{self._parquet}'"  # noqa: S608  # own path
        )

    def statement(self, question: Question) -> str | None:
        """SQL."""
        return DUCKDB.statement(question)

    async def answer(self, statement: str) -> Any:
        """The rows."""
        return self._connection.execute(statement).fetchall()

    def rows(self, question: Question, answer: Any) -> Iterable[Row]:
        """As they are."""
        del question
        return ((row[0], epoch(row[1]), row[2]) for row in answer)


class ChDb(System):
    """ClickHouse in the process: a MergeTree in order of id and time."""

    name = "chDB"

    def __init__(self, folder: Path) -> None:
        self._parquet = folder / "readings.parquet"
        self._session = import_module("chdb.session").Session(str(folder / "chdb"))

    async def load(self, data: Data) -> None:
        """Read a Parquet file."""
        write_parquet(data, self._parquet)
        for statement in (
            "CREATE DATABASE IF NOT EXISTS bench ENGINE = Atomic",
            "USE bench",
            CREATE_CLICKHOUSE,
            f"INSERT INTO readings SELECT * FROM file('{self._parquet}')",  # noqa: S608  # own path
            "OPTIMIZE TABLE readings FINAL",
        ):
            self._session.query(statement)

    def statement(self, question: Question) -> str | None:
        """SQL."""
        return f"{CLICKHOUSE.statement(question)} {EPOCH_SECONDS}"

    async def answer(self, statement: str) -> Any:
        """The rows as JSON."""
        return self._session.query(statement, "JSONCompactEachRow").bytes()

    def rows(self, question: Question, answer: bytes) -> Iterable[Row]:
        """The lines."""
        del question
        rows = map(msgspec.json.decode, answer.splitlines())
        return ((name, float(seconds), value) for name, seconds, value in rows)


def write_parquet(data: Data, file: Path) -> None:
    """Write them unless another system did; timestamps are UTC without a zone."""
    if not file.exists():
        data.frame().with_columns(pl.col("ts").dt.replace_time_zone(None)).write_parquet(file)
