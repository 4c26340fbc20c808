"""InfluxDB 1.x in its own query language."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
import polars as pl

from bench.connection import Connection
from bench.influx import DATABASE
from bench.load import get_request, post_request
from bench.tsbs.data import Data
from bench.tsbs.questions import Buckets, Gaps, LastReadings, Question, ReadingsAbove
from bench.tsbs.sql import seconds
from bench.tsbs.system import Row, System

HTTP_OK = 200
HTTP_NO_CONTENT = 204
LINES_A_REQUEST = 50_000
FUNCTIONS = {"maximum": "max", "average": "mean"}


class InfluxDb(System):
    """The database of a running influxd."""

    name = "InfluxDB"

    def __init__(self, url: str) -> None:
        self._connection = Connection(url)

    async def load(self, data: Data) -> None:
        """Write them as line protocol."""
        path = f"/write?{urlencode({'db': DATABASE, 'precision': 's'})}"
        await write_lines(self._connection, path, data)

    def statement(self, question: Question) -> str | None:
        """The path of a query."""
        parameters = {"db": DATABASE, "epoch": "s", "q": _query(question)}
        return f"/query?{urlencode(parameters)}"

    async def answer(self, statement: str) -> Any:
        """The body."""
        return await get(self._connection, statement)

    def rows(self, question: Question, answer: bytes) -> Iterable[Row]:
        """Of each series its values."""
        del question
        (result,) = msgspec.json.decode(answer)["results"]
        for series in result.get("series", ()):
            equipment = series.get("tags", {}).get("equipment", "")
            yield from ((equipment, row[0], row[1]) for row in series["values"])


def _query(question: Question) -> str:
    match question:
        case Buckets():
            equipment = ", equipment" if question.by_equipment else ""
            newest = f" ORDER BY time DESC LIMIT {question.newest}" if question.newest else ""
            return (
                f"SELECT {FUNCTIONS[question.statistic]}(value) FROM readings "  # noqa: S608
                f"WHERE {_range(question.start, question.stop)}{_of(question.ids)} "
                f"GROUP BY time({seconds(question.width)}s){equipment} fill(none){newest}"
            )
        case LastReadings():
            return (
                "SELECT last(value) FROM readings "  # noqa: S608  # own values
                f"WHERE equipment =~ /^{question.prefix}/ GROUP BY equipment"
            )
        case ReadingsAbove():
            return (
                "SELECT value FROM readings "  # noqa: S608  # own values
                f"WHERE {_range(question.start, question.stop)}{_of(question.ids)} "
                f"AND value > {question.threshold} GROUP BY equipment"
            )
        case Gaps():
            return (
                "SELECT gap FROM (SELECT elapsed(value, 1s) AS gap FROM readings "  # noqa: S608
                f"WHERE {_range(question.start, question.stop)} GROUP BY equipment) "
                f"WHERE gap > {seconds(question.longer_than)} GROUP BY equipment"
            )


def _range(start: datetime, stop: datetime) -> str:
    return f"time >= {start.timestamp():.0f}s AND time < {stop.timestamp():.0f}s"


def _of(ids: tuple[str, ...]) -> str:
    alternatives = " OR ".join(f"equipment = '{name}'" for name in ids)
    return f" AND ({alternatives})" if ids else ""


async def write_lines(connection: Connection, path: str, data: Data) -> None:
    """Send the readings as line protocol, with seconds."""
    for lines in _lines(data.frame()):
        status, body = await connection.fetch(post_request(path, "none", "text/plain", lines))
        if status != HTTP_NO_CONTENT:
            raise RuntimeError(f"{path} returned {status}: {body!r}")


def _lines(frame: pl.DataFrame) -> Iterator[bytes]:
    line = pl.format(
        "readings,equipment={} value={} {}", "equipment_id", "value", pl.col("ts").dt.epoch("s")
    )
    for part in frame.iter_slices(LINES_A_REQUEST):
        yield "\n".join(part.select(line).to_series()).encode()


async def get(connection: Connection, path: str, bearer: str = "none") -> bytes:
    """The body of a GET. Raises RuntimeError unless the status is 200 and the body whole."""
    try:
        status, body = await connection.fetch(get_request(path, bearer))
    except EOFError as error:
        raise RuntimeError(f"{path}: the server disconnected") from error
    if status != HTTP_OK:
        raise RuntimeError(f"{path} returned {status}: {body[:500]!r}")
    return body
