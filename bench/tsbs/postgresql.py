"""The platform, asked over HTTP or its views, and plain SQL over the same hypertable."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
from asyncpg import Record

from bench.connection import Connection
from bench.measure import Bench
from bench.month import REFRESH
from bench.table import copy_by_psql
from bench.tsbs.data import IDS, Data, equipment
from bench.tsbs.influxdb import get
from bench.tsbs.questions import Buckets, LastReadings, Question
from bench.tsbs.sql import Dialect, seconds
from bench.tsbs.system import Row, System, epoch

PAGE = 10_000
RESOLUTIONS = {60: "1m", 3600: "1h"}

LAST_READINGS = """
SELECT DISTINCT ON (equipment_id) equipment_id, ts, value FROM readings
WHERE equipment_id LIKE '{prefix}%' ORDER BY equipment_id, ts DESC
"""


def _dialect(readings: str) -> Dialect:
    return Dialect(
        readings=readings,
        bucket="time_bucket('{seconds} seconds', ts)",
        moment="'{time}+00'",
        last_readings=LAST_READINGS,
        gap_seconds="extract(EPOCH FROM ts - {previous})::double precision",
    )


PLAIN = _dialect("readings")
VIEW = _dialect("(SELECT equipment_id, time AS ts, value FROM bi.readings) AS readings")


class Hypertable(System):
    """Plain SQL over the raw readings."""

    name = "SQL"

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    async def load(self, data: Data) -> None:
        """Copy them as a person would, and refresh the rollups."""
        file = self._bench.stack.data_dir / "readings.csv"
        data.frame().write_csv(file)
        await copy_by_psql(self._bench.stack.database_url, file)
        for statement in REFRESH:
            await self._bench.pool.execute(statement)

    def statement(self, question: Question) -> str | None:
        """SQL, as it is asked in the suite."""
        return PLAIN.statement(question)

    async def answer(self, statement: str) -> Any:
        """The rows."""
        return await self._bench.pool.fetch(statement)

    def rows(self, question: Question, answer: Sequence[Record]) -> Iterable[Row]:
        """As they are."""
        del question
        return ((row[0], epoch(row[1]), row[2]) for row in answer)


class Platform(Hypertable):
    """A path of the API where it answers the question, else SQL over the views for BI tools."""

    name = "Sensor Flow"

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self._connection = Connection(bench.stack.api_url)

    async def load(self, data: Data) -> None:
        """They are those of the hypertable."""

    def statement(self, question: Question) -> str | None:
        """A path, or SQL."""
        match question:
            case Buckets():
                return f"/sensor-data/aggregated?{urlencode(_parameters(question), doseq=True)}"
            case LastReadings():
                return (
                    f"/sensor-data/latest?{urlencode({'equipmentId': _ids(question)}, doseq=True)}"
                )
            case _:
                return VIEW.statement(question)

    async def answer(self, statement: str) -> Any:
        """The body, or the rows."""
        if not statement.startswith("/"):
            return await super().answer(statement)
        return await get(self._connection, statement, self._bench.token)

    def rows(self, question: Question, answer: Any) -> Iterable[Row]:
        """The items of a body, or the rows."""
        match question:
            case Buckets():
                return [
                    (item.get("equipmentId", ""), item["intervalStart"], item[question.statistic])
                    for item in _items(answer, one_a_line=question.by_equipment)
                ]
            case LastReadings():
                return [
                    (item["equipmentId"], _epoch(item["timestamp"]), item["value"])
                    for item in _items(answer)
                ]
            case _:
                return super().rows(question, answer)


def _ids(asked: LastReadings) -> list[str]:
    """All of the ids, or a prefix of them."""
    return [f"{asked.prefix}*"] if asked.prefix else [equipment(number) for number in range(IDS)]


def _parameters(asked: Buckets) -> dict[str, object]:
    start = asked.stop - asked.newest * asked.width if asked.newest else asked.start
    return {
        "from": start.isoformat(),
        "to": asked.stop.isoformat(),
        "resolution": RESOLUTIONS[seconds(asked.width)],
        "statistics": asked.statistic,
        "equipmentId": asked.ids,
    } | ({"format": "ndjson"} if asked.by_equipment else {"groupBy": "all", "limit": PAGE})


def _items(body: bytes, *, one_a_line: bool = False) -> list[dict[str, Any]]:
    if one_a_line:
        return [msgspec.json.decode(line) for line in body.splitlines()]
    items: list[dict[str, Any]] = msgspec.json.decode(body)["items"]
    return items


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
