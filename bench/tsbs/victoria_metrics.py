"""VictoriaMetrics in MetricsQL, which has windows that end at a point, and no single readings.

A window that ends a millisecond before the next one is its bucket. As there is a reading a minute
at most, on the minute, the last one of a window of a minute is the reading itself.
"""

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec

from bench.connection import Connection
from bench.influx import wait_for
from bench.measure import free_port
from bench.tsbs.data import PERIOD, Data
from bench.tsbs.influxdb import get, write_lines
from bench.tsbs.questions import Buckets, Gaps, LastReadings, Question, ReadingsAbove
from bench.tsbs.sql import seconds
from bench.tsbs.system import Row, System

METRIC = "readings_value"
FUNCTIONS = {"maximum": ("max", "max_over_time"), "average": ("avg", "avg_over_time")}
TIMES = "time"  # the label of the half of an answer that has the times of last readings


class VictoriaMetrics(System):
    """A running victoria-metrics."""

    name = "VictoriaMetrics"

    def __init__(self, url: str) -> None:
        self._connection = Connection(url)
        self._data: Data | None = None

    async def load(self, data: Data) -> None:
        """Write them as line protocol, and wait until they can be found."""
        self._data = data
        await write_lines(self._connection, "/write?precision=s", data)
        await get(self._connection, "/internal/force_flush")

    def statement(self, question: Question) -> str | None:
        """The path of a query, whose answer no cache may have."""
        match question:
            case Buckets():
                return _path(_buckets(question), *_range_of(question), question.width)
            case ReadingsAbove():
                return _path(_above(question), question.start, question.stop, PERIOD)
            case Gaps():
                return _path(_gaps(question), question.start, question.stop, PERIOD)
            case LastReadings():
                parameters = {"query": self._last(question), "time": self._end, "nocache": 1}
                return f"/api/v1/query?{urlencode(parameters)}"

    async def answer(self, statement: str) -> Any:
        """The body."""
        return await get(self._connection, statement)

    def rows(self, question: Question, answer: bytes) -> Iterable[Row]:
        """The points of each series, at the starts of their windows."""
        series = msgspec.json.decode(answer)["data"]["result"]
        if isinstance(question, LastReadings):
            return _last_rows(series)
        width = question.width if isinstance(question, Buckets) else PERIOD
        return _points(series, seconds(width))

    @property
    def _loaded(self) -> Data:
        if self._data is None:
            raise RuntimeError("nothing is loaded")
        return self._data

    @property
    def _end(self) -> float:
        return self._loaded.end.timestamp()

    def _last(self, asked: LastReadings) -> str:
        selected = f"{_select(prefix=asked.prefix)}[{self._loaded.days}d]"
        return (
            f'union(last_over_time({selected}), label_set(tlast_over_time({selected}), "is", '
            f'"{TIMES}"))'
        )


def _select(ids: tuple[str, ...] = (), prefix: str = "") -> str:
    pattern = "|".join(ids) or f"{prefix}.*"
    return f'{METRIC}{{equipment=~"{pattern}"}}'


def _range_of(asked: Buckets) -> tuple[datetime, datetime]:
    start = asked.stop - asked.newest * asked.width if asked.newest else asked.start
    return start, asked.stop


def _buckets(asked: Buckets) -> str:
    together, over_time = FUNCTIONS[asked.statistic]
    of_each = f"{over_time}({_select(asked.ids)}[{seconds(asked.width)}s])"
    return of_each if asked.by_equipment else f"{together}({of_each})"


def _above(asked: ReadingsAbove) -> str:
    return f"last_over_time({_select(asked.ids)}[{seconds(PERIOD)}s]) > {asked.threshold}"


def _gaps(asked: Gaps) -> str:
    period, whole = seconds(PERIOD), seconds(asked.stop - asked.start)
    now = f"tlast_over_time({_select()}[{period}s])"
    before = f"tlast_over_time({_select()}[{whole}s] offset {period}s)"
    within = f"({before} >= {asked.start.timestamp():.0f})"
    return f"({now} - {within}) > {seconds(asked.longer_than)}"


def _path(query: str, start: datetime, stop: datetime, width: timedelta) -> str:
    """Windows from `start` up to `stop`."""
    first = start.timestamp() + seconds(width) - 0.001
    parameters = {
        "query": query,
        "start": f"{first:.3f}",
        "end": f"{stop.timestamp() - 0.001:.3f}",
        "step": seconds(width),
        "nocache": 1,
    }
    return f"/api/v1/query_range?{urlencode(parameters)}"


def _points(series: list[dict[str, Any]], width: int) -> Iterator[Row]:
    for one in series:
        equipment = one["metric"].get("equipment", "")
        for end, value in one["values"]:
            yield equipment, round(end + 0.001) - width, float(value)


def _last_rows(series: list[dict[str, Any]]) -> Iterator[Row]:
    values: dict[bool, dict[str, float]] = {False: {}, True: {}}
    for one in series:
        metric = one["metric"]
        values[metric.get("is") == TIMES][metric["equipment"]] = float(one["value"][1])
    for equipment, value in values[False].items():
        yield equipment, values[True][equipment], value


@contextmanager
def running_victoria_metrics(program: str, folder: Path) -> Iterator[str]:
    """The base URL of one without data; it is stopped with the block."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    arguments = (f"-storageDataPath={folder}", f"-httpListenAddr=127.0.0.1:{port}")
    with (
        (folder.parent / "victoria-metrics.log").open("wb") as log,
        subprocess.Popen(  # noqa: S603  # the program that is to be measured
            [program, *arguments, "-retentionPeriod=100y"], stdout=log, stderr=log
        ) as process,
    ):
        try:
            wait_for(f"{url}/health")
            yield url
        finally:
            process.terminate()
