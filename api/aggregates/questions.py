"""What may be asked, in types that cannot be wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from zoneinfo import ZoneInfo

from api.aggregates.buckets import Buckets
from api.aggregates.cursor import Position
from api.aggregates.resolutions import Resolution
from api.equipment.choice import EquipmentChoice
from api.time_ranges import TimeRange

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request for buckets, those of UTC without a `zone`; without a `limit` on one page."""

    asked_at: datetime
    interval: str | None
    span: TimeRange
    resolution: Resolution
    equipment: EquipmentChoice
    grouping: Grouping
    statistics: frozenset[Statistic]
    zone: ZoneInfo | None
    buckets: Buckets
    limit: int | None
    after: Position

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
        )
