"""Changes of an import's state: queries of import_transitions.sql under the law of TRANSITIONS."""

from typing import TYPE_CHECKING
from uuid import UUID

from core.database import Connection, Pool
from core.imports import TRANSITIONS, Transition
from core.queries import queries
from core.queue import enqueue_import

if TYPE_CHECKING:
    from asyncpg import Record


async def apply(
    transition: Transition, connection: Connection | Pool, **parameters: object
) -> "Record | None":
    """Make the transition; the row that its query returns.

    None, and nothing changed: TRANSITIONS does not allow it from the import's state, or another
    condition of the query is not met, such as the number of the worker's attempt.
    """
    query = getattr(queries(), transition)
    row: Record | None = await query(
        connection, from_states=list(TRANSITIONS[transition]), **parameters
    )
    return row


async def apply_and_enqueue(
    transition: Transition, connection: Connection, import_id: UUID, **parameters: object
) -> bool:
    """Make a transition to `queued` and hand the import to the workers, in one transaction.

    False, and nothing changed, where `apply` returns None. The caller begins the transaction.
    """
    if await apply(transition, connection, import_id=import_id, **parameters) is None:
        return False
    await enqueue_import(connection, import_id)
    return True
