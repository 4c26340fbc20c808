"""The ledgers: of late hours for the refresh, of changed days for caches, of pending readings.

Whoever writes readings enters all three in the same transaction: `save_readings` in its own
statement, every other writer by one of these functions, once the readings are written. Rows without
their entry would never reach a rollup, partial_hours or a cached response; an entry without rows
costs no more than a refresh.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from core.database import Connection
from core.queries import queries
from core.time import TimeRange

# Pairs of equipment and day in one entry; of a write with more only the days are entered.
MAX_CHANGES = 20_000


async def enter_new_rows(
    connection: Connection,
    ts_bounds: Mapping[str, Sequence[datetime]],
    changed: Collection[tuple[str, date]],
    row_count: int,
    import_id: UUID | None = None,
) -> TimeRange | None:
    """Enter `row_count` written rows, of which none replaced another.

    `ts_bounds` has the first and last timestamps (first_ts, last_ts) of ranges that hold all rows,
    and `changed` each equipment id with each UTC day on which it has a row, at least one; of very
    many they can be entered by several calls, all but one of which have no rows. Rows within the
    range that is returned, if it is, must be entered by enter_pending_readings.
    """
    equipment_ids, days = zip(*changed, strict=True)
    pending = await queries().enter_new_rows(
        connection,
        **ts_bounds,
        equipment_ids=equipment_ids,
        days=days,
        max_changes=MAX_CHANGES,
        import_id=import_id,
        row_count=row_count,
    )
    start, end = pending["pending_start"], pending["pending_end"]
    return None if start is None else TimeRange(start, end)


async def enter_pending_readings(
    connection: Connection,
    equipment_ids: Sequence[str],
    timestamps: Sequence[datetime],
    values: Sequence[float],
) -> None:
    """Enter new readings, if any, that partial_hours may lack."""
    if equipment_ids:
        await queries().enter_pending_readings(
            connection, equipment_ids=equipment_ids, timestamps=timestamps, values=values
        )


async def enter_staged_changes(connection: Connection, import_id: UUID, *, only_new: bool) -> None:
    """Enter the rows in import_changes, at least one; `only_new`: none replaced another."""
    await queries().enter_staged_changes(
        connection, import_id=import_id, only_new=only_new, max_changes=MAX_CHANGES
    )
