"""The data, the questions and the comparing of `bench tsbs`."""

import asyncio
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from bench.connection import Connection
from bench.load import get_request
from bench.tsbs.comparing import difference
from bench.tsbs.data import Data, equipment
from bench.tsbs.postgresql import PLAIN, VIEW
from bench.tsbs.questions import Buckets, Gaps, LastReadings, Question, ReadingsAbove, questions
from bench.tsbs.sql import Dialect
from bench.tsbs.system import Row, epoch
from bench.tsbs.victoria_metrics import VictoriaMetrics
from core.database import Pool
from tests.api.stored import insert

END = datetime(2026, 3, 10, 12, 34, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
NOON = END.replace(minute=0)
RANGE = (NOON, NOON + HOUR)
READINGS = (
    ("EQ-0001", NOON - HOUR, 99.0),
    ("EQ-0001", NOON, 1.0),
    ("EQ-0001", NOON + MINUTE, 95.0),
    ("EQ-0001", NOON + 20 * MINUTE, 3.0),
    ("EQ-1002", NOON + MINUTE, 2.0),
)


def test_the_data_are_the_same_on_every_run() -> None:
    data = Data(END, 1)
    frame = data.frame()
    assert frame.equals(data.frame())
    assert frame["ts"].is_sorted()
    assert (frame["ts"].min(), frame["ts"].max()) == (data.start, END - MINUTE)
    assert not frame.select("equipment_id", "ts").is_duplicated().any()
    assert frame.select(
        (pl.col("value").is_between(0, 100) & (pl.col("value") * 8 % 1 == 0)).all()
    ).item()
    gaps = frame.select(pl.col("ts").diff().over("equipment_id"))["ts"]
    assert gaps.min() == MINUTE
    assert (gaps > 10 * MINUTE).sum() > 100
    assert equipment(99) not in frame["equipment_id"]  # silent on the last day


def test_every_question_lies_within_the_data() -> None:
    data = Data.of_rows(0)
    for turns in questions(data).values():
        for turn in range(24):
            match turns(turn):
                case Buckets(start=start, stop=stop) | Gaps(start=start, stop=stop):
                    assert data.start <= start < stop <= data.end
                case ReadingsAbove(start=start, stop=stop):
                    assert data.start <= start < stop <= data.end
                case LastReadings():
                    pass


@pytest.mark.parametrize("dialect", [PLAIN, VIEW])
@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (Buckets("maximum", MINUTE, *RANGE, newest=1), [("", NOON + 20 * MINUTE, 3.0)]),
        (Buckets("average", HOUR, *RANGE, ids=("EQ-0001",)), [("", NOON, 33.0)]),
        (
            Buckets("maximum", HOUR, *RANGE, by_equipment=True),
            [("EQ-0001", NOON, 95.0), ("EQ-1002", NOON, 2.0)],
        ),
        (LastReadings("EQ-1"), [("EQ-1002", NOON + MINUTE, 2.0)]),
        (ReadingsAbove(90.0, *RANGE), [("EQ-0001", NOON + MINUTE, 95.0)]),
        (Gaps(10 * MINUTE, *RANGE), [("EQ-0001", NOON + 20 * MINUTE, 1140.0)]),
    ],
)
async def test_questions_in_sql(
    pool: Pool, dialect: Dialect, question: Question, expected: list[tuple[str, datetime, float]]
) -> None:
    await insert(pool, *READINGS)
    found = [(row[0], row[1], row[2]) for row in await pool.fetch(dialect.statement(question))]
    assert sorted(found) == expected


def test_points_of_victoria_metrics_are_at_the_starts_of_their_windows() -> None:
    body = b'{"data": {"result": [{"metric": {"equipment": "a"}, "values": [[3599.999, "1.5"]]}]}}'
    question = Buckets("maximum", HOUR, *RANGE)
    assert list(VictoriaMetrics("http://127.0.0.1:1").rows(question, body)) == [("a", 0.0, 1.5)]


ROWS: list[Row] = [("a", epoch(NOON), 1.0), ("b", epoch(NOON), 3.0)]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (list(reversed(ROWS)), None),
        ([ROWS[0], ("b", epoch(NOON), 3.0000000001)], None),
        (ROWS[:1], "1 rows, not 2"),
        ([ROWS[0], ("b", epoch(NOON), 3.1)], f"('b', {epoch(NOON)}, 3.1), not {ROWS[1]}"),
        ([ROWS[0], ("b", epoch(NOON) + 1, 3.0)], f"('b', {epoch(NOON) + 1}, 3.0), not {ROWS[1]}"),
    ],
)
def test_answers_are_compared_as_sets_of_rows(found: list[Row], expected: str | None) -> None:
    assert difference(ROWS, found) == expected


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    ],
)
async def test_a_connection_reads_bodies_whole(response: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(response)
        writer.close()  # as after some time without requests

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        connection = Connection(f"http://{host}:{port}")
        for _ in range(4):
            assert await connection.fetch(get_request("/", "none")) == (200, b"abcde")
            await asyncio.sleep(0.01)
        connection.close()
