"""What may be asked, in types that cannot be wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from zoneinfo import ZoneInfo

from api.aggregates.buckets import Buckets, Source
from api.aggregates.cursor import BEGINNING, Position
from api.aggregates.gapfill import Fill
from api.aggregates.resolutions import Resolution, utc_buckets
from api.http.equipment_filter import EquipmentFilter
from core.time import TimeRange

WINDOWS: Mapping[str, timedelta] = MappingProxyType(
    {
        "24h": timedelta(hours=24),
        "48h": timedelta(hours=48),
        "1w": timedelta(hours=168),
        "1m": timedelta(hours=720),
    }
)


class Grouping(StrEnum):
    """Whether a bucket is of one equipment or of all chosen ones together."""

    EQUIPMENT = "equipment"
    ALL = "all"


class Statistic(StrEnum):
    """What may be told of a bucket; first and last only of one equipment."""

    TOTAL = "total"
    COUNT = "count"
    AVERAGE = "average"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    FIRST = "first"
    LAST = "last"
    RANGE = "range"


OF_ONE_EQUIPMENT = frozenset({Statistic.FIRST, Statistic.LAST})
USUAL = frozenset(Statistic) - {Statistic.RANGE}

FEW = 1_000  # rows, of which to keep some would cost more, asked anew, than it saves, asked again


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request for buckets, those of UTC without a `zone`; without a `limit` on one page."""

    asked_at: datetime
    interval: str | None
    span: TimeRange
    resolution: Resolution
    auto: bool
    equipment: EquipmentFilter
    grouping: Grouping
    statistics: frozenset[Statistic]
    zone: ZoneInfo | None
    buckets: Buckets
    limit: int | None
    after: Position
    fill: Fill
    compared: "Compared | None"

    @property
    def parts(self) -> "list[Question]":
        """Itself, and the question of the earlier range if it compares."""
        return [self, *([self.compared.question] if self.compared else [])]

    @property
    def is_of_hours(self) -> bool:
        """Whether each bucket is a row of the hourly rollup."""
        by_equipment = self.grouping is Grouping.EQUIPMENT
        return by_equipment and self.buckets.are_rows and self.buckets.source is Source.HOURS

    @property
    def is_plain(self) -> bool:
        """Whether it is told as found, from the beginning."""
        return self.fill is Fill.NONE and self.compared is None and self.after == BEGINNING

    @property
    def is_small(self) -> bool:
        """Whether all of it is a few hours of a few ids, on one page."""
        most = len(self.equipment.ids) * (len(self.buckets.borders) - 1)
        few = not self.equipment.prefixes and most <= min(FEW, self.limit or FEW)
        return few and self.is_plain and self.is_of_hours

    def at(self, resolution: Resolution) -> "Question":
        """The same by buckets of UTC so wide."""
        buckets = utc_buckets(self.span, resolution)
        compared = self.compared and self.compared.at(resolution)
        return replace(self, resolution=resolution, buckets=buckets, compared=compared)

    @property
    def identity(self) -> tuple[object, ...]:
        """What makes it the same question when it is asked again, however it is written."""
        return (
            self.interval,
            self.resolution,
            self.zone.key if self.zone else None,
            self.buckets.borders[0],
            self.buckets.borders[-1],
            sorted({*self.equipment.ids}),
            sorted({*self.equipment.prefixes}),
            self.grouping,
            sorted(self.statistics),
            self.limit,
            self.after,
            self.fill,
            self.compared and self.compared.question.identity,
        )


@dataclass(frozen=True, slots=True)
class Compared:
    """The same question of an earlier range, and the way from a bucket's start to its there."""

    question: Question
    counterpart: Callable[[datetime], datetime | None]

    def start_of(self, seconds: int) -> int | None:
        """The start of the counterpart of the bucket that starts then, in Unix seconds."""
        moment = self.counterpart(datetime.fromtimestamp(seconds, UTC))
        return None if moment is None else round(moment.timestamp())

    def at(self, resolution: Resolution) -> "Compared":
        """The same by buckets of UTC so wide."""
        return replace(self, question=self.question.at(resolution))
