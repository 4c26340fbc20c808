"""The ledger of changes, told by every writer in the transaction that changes readings."""

from collections.abc import Collection
from datetime import date

from core.database import Connection
from core.queries import queries

EVERY_EQUIPMENT = ""
MOST_TOLD_APART = 20_000  # of equipment and day, in one row of the ledger


async def note_changes(connection: Connection, changed: Collection[tuple[str, date]]) -> None:
    """Tell which equipment changed on which UTC days, at least one; of too much only the days."""
    if len(changed) > MOST_TOLD_APART:
        changed = [(EVERY_EQUIPMENT, day) for day in {day for _, day in changed}]
    equipment_ids, days = zip(*changed, strict=True)
    await queries().note_changes(connection, equipment_ids=equipment_ids, days=days)
