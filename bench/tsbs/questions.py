"""Questions of the Time Series Benchmark Suite that fit equipment, timestamp and value."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from bench.tsbs.data import Data, equipment
from core.time import DAY, HOUR

MINUTE = timedelta(minutes=1)
SEVERAL = 8
THRESHOLD = 90.0
LONGEST_REGULAR_PAUSE = timedelta(minutes=10)
LAST_MINUTES = 5
FLEET = "EQ-0"  # the prefix of 100 ids


@dataclass(frozen=True)
class Buckets:
    """A statistic of each bucket from `start` up to `stop`, of the `ids`, else of all.

    Of all of them together, or of each equipment; `newest`: only so many, the newest ones.
    """

    statistic: Literal["maximum", "average"]
    width: timedelta
    start: datetime
    stop: datetime
    ids: tuple[str, ...] = ()
    by_equipment: bool = False
    newest: int | None = None


@dataclass(frozen=True)
class LastReadings:
    """The last reading of each id, ever: of the ids that start with `prefix`."""

    prefix: str = ""


@dataclass(frozen=True)
class ReadingsAbove:
    """Readings above the threshold from `start` up to `stop`, of the `ids`, else of all."""

    threshold: float
    start: datetime
    stop: datetime
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gaps:
    """Each reading that came later after the one before it, from `start` up to `stop`."""

    longer_than: timedelta
    start: datetime
    stop: datetime


Question: TypeAlias = Buckets | LastReadings | ReadingsAbove | Gaps

# A question of a turn, which numbers the repetitions: other ids and another range each time.
Turns: TypeAlias = Callable[[int], Question]


def questions(data: Data) -> dict[str, Turns]:
    """The questions by their names in the suite, or after them; its cpu-only ones first."""
    ends = _Ends(data)

    def buckets(width: timedelta, hours: int, ids: int) -> Turns:
        return lambda turn: Buckets(
            "maximum", width, ends.of(turn) - hours * HOUR, ends.of(turn), _ids(turn, ids)
        )

    return {
        "single-groupby-1-1-1": buckets(MINUTE, 1, 1),
        "single-groupby-1-1-12": buckets(MINUTE, 12, 1),
        "single-groupby-1-8-1": buckets(MINUTE, 1, SEVERAL),
        "single-groupby-1-8-12": buckets(MINUTE, 12, SEVERAL),
        "double-groupby-1": lambda _: Buckets(
            "average", HOUR, ends.hour - DAY, ends.hour, by_equipment=True
        ),
        "cpu-max-all-1": buckets(HOUR, 8, 1),
        "cpu-max-all-8": buckets(HOUR, 8, SEVERAL),
        "high-cpu-1": lambda turn: ReadingsAbove(
            THRESHOLD, ends.of(turn) - 12 * HOUR, ends.of(turn), _ids(turn, 1)
        ),
        "high-cpu-all": lambda turn: ReadingsAbove(
            THRESHOLD, ends.of(turn) - 12 * HOUR, ends.of(turn)
        ),
        "lastpoint": lambda _: LastReadings(),
        "groupby-orderby-limit": lambda turn: Buckets(
            "maximum", MINUTE, data.start, ends.of(turn), newest=LAST_MINUTES
        ),
        "last-loc": lambda _: LastReadings(FLEET),
        "gaps over 10 minutes": lambda _: Gaps(LONGEST_REGULAR_PAUSE, ends.hour - DAY, ends.hour),
    }


@dataclass(frozen=True)
class _Ends:
    data: Data

    @property
    def hour(self) -> datetime:
        """The end of the last whole hour."""
        return self.data.end.replace(minute=0)

    def of(self, turn: int) -> datetime:
        """The end of a range of whole hours."""
        return self.hour - turn * 7 % 24 * HOUR


def _ids(turn: int, number: int) -> tuple[str, ...]:
    def each() -> Iterator[str]:
        for place in range(number):
            yield equipment(turn * 7 + place * 37)

    return tuple(each())
