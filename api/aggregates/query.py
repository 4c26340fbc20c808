"""The validated query of a request for aggregates."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from zoneinfo import ZoneInfo

from api.aggregates.buckets import Buckets
from api.aggregates.cursor import BucketPosition
from api.aggregates.gapfill import Fill
from api.aggregates.resolutions import Resolution, utc_buckets
from api.files.formats import Representation
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
    """A statistic of a bucket; first and last only with buckets per equipment."""

    TOTAL = "total"
    COUNT = "count"
    AVERAGE = "average"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    FIRST = "first"
    LAST = "last"
    RANGE = "range"


PER_EQUIPMENT_STATISTICS = frozenset({Statistic.FIRST, Statistic.LAST})
DEFAULT_STATISTICS = frozenset(Statistic) - {Statistic.RANGE}


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateQuery:
    """A request for buckets: in UTC if `zone` is None, all on one page if `limit` is None."""

    requested_at: datetime
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
    after: BucketPosition
    fill: Fill
    representation: Representation
    comparison: "ComparisonQuery | None"

    @property
    def with_comparison(self) -> "list[AggregateQuery]":
        """The query itself, and the one of the earlier range if it compares."""
        return [self, *([self.comparison.query] if self.comparison else [])]

    def at_resolution(self, resolution: Resolution) -> "AggregateQuery":
        """The same query in UTC buckets of this resolution."""
        buckets = utc_buckets(self.span, resolution)
        comparison = self.comparison and self.comparison.at_resolution(resolution)
        return replace(self, resolution=resolution, buckets=buckets, comparison=comparison)

    @property
    def identity(self) -> tuple[object, ...]:
        """Equal for equivalent queries, whatever the order and repetition of their parameters."""
        return (
            self.interval,
            self.resolution,
            self.zone.key if self.zone else None,
            self.buckets.boundaries[0],
            self.buckets.boundaries[-1],
            sorted({*self.equipment.ids}),
            sorted({*self.equipment.prefixes}),
            self.grouping,
            sorted(self.statistics),
            self.limit,
            self.after,
            self.fill,
            self.representation,
            self.comparison and self.comparison.query.identity,
        )


@dataclass(frozen=True, slots=True)
class ComparisonQuery:
    """The query of an earlier range, and the mapping of bucket starts to the earlier ones."""

    query: AggregateQuery
    counterpart: Callable[[datetime], datetime | None]

    def counterpart_start(self, seconds: int) -> int | None:
        """The start of the counterpart of the bucket that starts then, in Unix seconds."""
        timestamp = self.counterpart(datetime.fromtimestamp(seconds, UTC))
        return None if timestamp is None else round(timestamp.timestamp())

    def at_resolution(self, resolution: Resolution) -> "ComparisonQuery":
        """The same comparison in UTC buckets of this resolution."""
        return replace(self, query=self.query.at_resolution(resolution))
