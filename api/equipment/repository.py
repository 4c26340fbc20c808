from dataclasses import dataclass

from asyncpg import Record
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from api.equipment.choice import EquipmentChoice
from api.equipment.description import Changes
from api.equipment.schemas import Equipment
from api.http.stale_ranges import StaleRange
from core.database import Pool, borrowed, database_errors
from core.queries import all_rows, queries
from core.tables import equipment


@dataclass(frozen=True, slots=True)
class Found:
    """Equipment in order of its id, and where its counts are stale, of one snapshot."""

    items: list[Equipment]
    stale: list[StaleRange]


class EquipmentRepository:
    """Equipment in the database."""

    def __init__(self, engine: AsyncEngine, pool: Pool) -> None:
        self._engine = engine
        self._pool = pool

    async def find(self, chosen: EquipmentChoice, after: str, limit: int) -> Found:
        """At most `limit` of the chosen equipment, those whose ids come after `after`."""
        async with borrowed(self._pool) as connection:
            rows = await all_rows(
                queries().equipment,
                connection,
                ids=chosen.ids_without_prefix,
                prefixes=list(chosen.prefixes),
                patterns=chosen.patterns,
                after=after,
                row_limit=limit,
            )
        return Found(
            items=[_equipment(row) for row in rows if row["equipment_id"] is not None],
            stale=[StaleRange(stale.lower, stale.upper) for stale in rows[0]["stale"] or ()],
        )

    async def describe(self, equipment_id: str, changes: Changes) -> None:
        """Keep what is said of equipment; what `changes` does not name stays."""
        saying = insert(equipment).values(id=equipment_id, **changes)
        with database_errors():
            async with self._engine.begin() as connection:
                await connection.execute(
                    saying.on_conflict_do_update(index_elements=["id"], set_=changes)
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
