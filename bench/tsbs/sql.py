"""The questions in SQL: of PostgreSQL over a table or view, of DuckDB and of ClickHouse."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bench.tsbs.questions import Buckets, Gaps, LastReadings, Question, ReadingsAbove
from bench.tsbs.system import utc_text

FUNCTIONS = {"maximum": "max", "average": "avg"}
NOBODY = "'' AS nobody, "


@dataclass(frozen=True)
class Dialect:
    """Where the readings are, and how an expression is written that is not the same everywhere.

    In the templates `{seconds}` is the width of a bucket, `{time}` a moment in UTC.
    """

    readings: str
    bucket: str
    moment: str
    last_readings: str
    gap_seconds: str
    previous: str = "lag(ts)"

    def statement(self, question: Question) -> str:
        """The question; the columns are those of a Row."""
        match question:
            case Buckets():
                return self._buckets(question)
            case LastReadings():
                return self.last_readings.format(prefix=question.prefix)
            case ReadingsAbove():
                return self._above(question)
            case Gaps():
                return self._gaps(question)

    def _buckets(self, asked: Buckets) -> str:
        equipment = "equipment_id, " if asked.by_equipment else ""
        bucket = self.bucket.format(seconds=seconds(asked.width))
        value = f"{FUNCTIONS[asked.statistic]}(value) AS result"
        newest = f" DESC LIMIT {asked.newest}" if asked.newest else ""
        return (
            f"SELECT {equipment or NOBODY}{bucket} AS bucket, {value} "  # noqa: S608  # own values
            f"FROM {self.readings} WHERE {self._range(asked.start, asked.stop)}{_of(asked.ids)} "
            f"GROUP BY {equipment}bucket ORDER BY bucket{newest}"
        )

    def _above(self, asked: ReadingsAbove) -> str:
        return (
            f"SELECT equipment_id, ts, value FROM {self.readings} "  # noqa: S608  # own values
            f"WHERE {self._range(asked.start, asked.stop)}{_of(asked.ids)} "
            f"AND value > {asked.threshold}"
        )

    def _gaps(self, asked: Gaps) -> str:
        previous = f"{self.previous} OVER (PARTITION BY equipment_id ORDER BY ts)"
        return (
            "SELECT equipment_id, ts, gap FROM (SELECT equipment_id, ts, "  # noqa: S608  # as above
            f"{self.gap_seconds.format(previous=previous)} AS gap FROM {self.readings} "
            f"WHERE {self._range(asked.start, asked.stop)}) AS gaps "
            f"WHERE gap > {seconds(asked.longer_than)}"
        )

    def _range(self, start: datetime, stop: datetime) -> str:
        first, last = (self.moment.format(time=utc_text(moment)) for moment in (start, stop))
        return f"ts >= {first} AND ts < {last}"


def seconds(length: timedelta) -> int:
    """Whole seconds."""
    return length // timedelta(seconds=1)


def _of(ids: tuple[str, ...]) -> str:
    return f" AND equipment_id IN ({', '.join(map(repr, ids))})" if ids else ""
