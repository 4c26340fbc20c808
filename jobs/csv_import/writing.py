"""A batch's rows into the hypertable, inside the batch's transaction."""

from contextlib import aclosing
from typing import NamedTuple
from uuid import UUID

import polars as pl

from core.database import Connection
from core.errors import RowsMissingError
from core.ledger import enter_new_rows, enter_staged_changes
from core.optimistic_copy import NotAllNewError, optimistic_copy
from core.queries import queries
from jobs.csv_import.ordered_commit import Turn
from jobs.csv_import.pgcopy import copy_stream
from jobs.csv_import.prefetch import ahead
from jobs.csv_import.staging import KEY, StagedBatch


class Written(NamedTuple):
    """How many keys were inserted, and how many replaced by their first value in the batch."""

    inserted: int
    replaced: int


async def write_rows(
    connection: Connection, import_id: UUID, staged: StagedBatch, turn: Turn
) -> Written:
    """Write every key's values and enter late rows into the ledger.

    `turn.expect_new` says which of two ways to try first: straight into the table, which is undone
    when a key is there already, or by way of a staging table. Rows for the columnstore go the
    second way, which looks at every row afterwards, and not beside other rows of the import. Raises
    RowsMissingError or TurnLateError.
    """
    if staged.rows.is_empty():
        return Written(0, 0)
    if await reaches_columnstore(connection, staged):
        await turn.comes(within_seconds=0)
    elif turn.expect_new and await _copy_new(connection, import_id, staged):
        return Written(staged.rows.height, 0)
    return await _merge(connection, import_id, staged)


async def _copy_new(connection: Connection, import_id: UUID, staged: StagedBatch) -> bool:
    """Copy the last value of every key into the table; False, and nothing done: not all are new."""
    rows = staged.rows.select(*KEY, value="last_value")
    try:
        async with optimistic_copy(connection):
            await copy_rows(connection, "readings", rows)
    except NotAllNewError:
        return False
    spans = {name: span.to_list() for name, span in staged.spans().to_dict().items()}
    await enter_new_rows(connection, spans, staged.days(), import_id)
    return True


async def _merge(connection: Connection, import_id: UUID, staged: StagedBatch) -> Written:
    """Write what differs from the table by way of a staging table."""
    await queries().create_import_staging(connection)
    await copy_rows(connection, "import_staging", staged.rows)
    changes = await queries().find_changes(connection, **staged.span)
    if not changes:
        return Written(0, 0)
    written = Written(**await queries().store_changes(connection, last_values=False))
    if staged.replaced_inside:
        await queries().store_changes(connection, last_values=True)
    await enter_staged_changes(connection, import_id, only_new=False)
    in_columnstore = await reaches_columnstore(connection, staged)
    if in_columnstore:
        await queries().note_opened_chunks(connection, import_id=import_id)
    if in_columnstore or sum(written) != changes:
        stored = await queries().count_stored_changes(connection, **staged.span)
        require_every_row(changes, stored)
    return written


async def reaches_columnstore(connection: Connection, staged: StagedBatch) -> bool:
    """Whether rows go where TimescaleDB has miscounted written ones (ts#7672)."""
    return bool(await queries().reaches_columnstore(connection, **staged.span))


async def copy_rows(connection: Connection, table: str, rows: pl.DataFrame) -> None:
    """Copy the rows into the table of the same columns. Raises RowsMissingError."""
    async with aclosing(ahead(copy_stream(rows))) as source:
        status = await connection.copy_to_table(
            table, source=source, columns=rows.columns, format="binary"
        )
    require_every_row(rows.height, int(status.removeprefix("COPY ")))


def require_every_row(written: int, stored: int) -> None:
    """Raise RowsMissingError unless as many keys are stored as were written."""
    if stored != written:
        raise RowsMissingError(
            f"Of {written} keys written, the table holds {stored}. "
            "The batch is rolled back and will be tried again.",
        )
