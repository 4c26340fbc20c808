from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from asyncpg import Record
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from api.equipment.description import Changes
from api.equipment.schemas import Equipment
from api.equipment.usual_range import (
    MIN_USUAL_DAYS,
    USUAL_DAYS,
    UsualRange,
    usual_range,
)
from api.http.equipment_filter import EquipmentFilter
from api.http.stale_ranges import StaleRange
from core.database import Pool, borrowed, database_errors
from core.queries import all_rows, queries
from core.tables import equipment


@dataclass(frozen=True, slots=True)
class FetchedEquipment:
    """Equipment in order of its id, and the stale ranges of its counts, from one snapshot."""

    items: list[Equipment]
    stale_ranges: list[StaleRange]


class EquipmentRepository:
    """Equipment in the database."""

    def __init__(self, engine: AsyncEngine, pool: Pool) -> None:
        self._engine = engine
        self._pool = pool

    async def fetch(self, selected: EquipmentFilter, after: str, limit: int) -> FetchedEquipment:
        """At most `limit` pieces of the selected equipment, those whose ids come after `after`."""
        async with borrowed(self._pool) as connection:
            rows = await all_rows(
                queries().equipment,
                connection,
                ids=selected.ids_without_prefix,
                prefixes=list(selected.prefixes),
                patterns=selected.like_patterns,
                after=after,
                row_limit=limit,
            )
        return FetchedEquipment(
            items=[_equipment(row) for row in rows if row["equipment_id"] is not None],
            stale_ranges=[StaleRange(stale.lower, stale.upper) for stale in rows[0]["stale"] or ()],
        )

    async def usual_ranges(self, items: Sequence[Equipment]) -> Mapping[str, UsualRange]:
        """By id, the usual ranges of those that have sent readings on enough days."""
        async with borrowed(self._pool) as connection:
            rows = await all_rows(
                queries().usual_quartiles,
                connection,
                ids=[item.equipment_id for item in items],
                last_times=[item.last_timestamp for item in items],
                max_days=USUAL_DAYS,
                min_days=MIN_USUAL_DAYS,
            )
        return {row["equipment_id"]: usual_range(row["minima"], row["maxima"]) for row in rows}

    async def save_metadata(self, equipment_id: str, changes: Changes) -> None:
        """Update the columns in `changes`; the others stay."""
        statement = insert(equipment).values(id=equipment_id, **changes)
        with database_errors():
            async with self._engine.begin() as connection:
                await connection.execute(
                    statement.on_conflict_do_update(index_elements=["id"], set_=changes)
                )


def _equipment(row: Record) -> Equipment:
    return Equipment(
        equipment_id=row["equipment_id"],
        name=row["name"],
        unit=row["unit"],
        location=row["location"],
        zone=row["zone"],
        expected_period_seconds=row["expected_period_seconds"],
        first_timestamp=row["first_time"],
        last_timestamp=row["last_time"],
        last_value=row["last_value"],
        sample_count=row["sample_count"],
    )
