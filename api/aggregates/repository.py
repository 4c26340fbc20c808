from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from asyncpg import Record

from api.aggregates.questions import Grouping, Question
from api.aggregates.resolutions import REACHES, Resolution, buckets_in
from api.aggregates.zones import ZonedBuckets
from core.database import Pool, borrowed
from core.queries import queries

ROLLUPS: Mapping[tuple[Resolution, Grouping], str] = MappingProxyType(
    {
        (Resolution.HOUR, Grouping.EQUIPMENT): "hourly_items",
        (Resolution.HOUR, Grouping.ALL): "hourly_items_together",
        (Resolution.DAY, Grouping.EQUIPMENT): "daily_items",
        (Resolution.DAY, Grouping.ALL): "daily_items_together",
    }
)


@dataclass(frozen=True, slots=True)
class Found:
    """One snapshot's totals over the whole range, its stale ranges and a page of its buckets."""

    average: float | None
    total_count: int
    stale: list[tuple[datetime, datetime]]
    rows: list[Record]
    more: bool


class AggregateRepository:
    """Reads rollups, and readings where rollups are not fine enough."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def find(self, question: Question) -> Found:
        """The page of the question's buckets, in order of their start and equipment."""
        name, parameters = _statement(question)
        statement = getattr(queries(), name)
        async with borrowed(self._pool) as connection:
            head, *rows = [row async for row in statement(connection, **parameters)]
        return Found(
            average=head["average"],
            total_count=head["sample_count"] or 0,
            stale=[(stale.lower, stale.upper) for stale in head["stale"] or ()],
            rows=rows[: question.limit],
            more=question.limit is not None and len(rows) > question.limit,
        )


def _statement(question: Question) -> tuple[str, dict[str, Any]]:
    """The named query that answers the question, and its parameters."""
    common = _common(question)
    together = {"together": question.grouping is Grouping.ALL}
    if question.zoned is not None:
        return "zoned_items", {**common, **together, **_zoned(question.zoned)}
    buckets = buckets_in(question.span, question.resolution)
    common |= {"start": buckets.start, "end": buckets.end}
    rollup = ROLLUPS.get((question.resolution, question.grouping))
    if rollup is not None:
        return rollup, common
    return "raw_items", {**common, **together, "width": REACHES[question.resolution].width}


def _common(question: Question) -> dict[str, Any]:
    return {
        "patterns": question.equipment.patterns,
        "ids": question.equipment.ids_without_prefix,
        "after_start": question.after.interval_start,
        "after_id": question.after.equipment_id,
        # The row of totals, the page, and one row more that shows that there is a next one.
        "row_limit": None if question.limit is None else question.limit + 2,
    }


def _zoned(buckets: ZonedBuckets) -> dict[str, Any]:
    edges = buckets.edges
    return {
        "whole_start": buckets.whole_hours.start,
        "whole_end": buckets.whole_hours.end,
        "cut_hours": buckets.cut_hours,
        "edge_starts": [edge.start for edge in edges],
        "edge_ends": [edge.end for edge in edges],
        "borders": list(buckets.borders),
    }
