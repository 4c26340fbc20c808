"""A batch's rows are written to the hypertable, inside the batch's transaction."""

from contextlib import aclosing
from typing import NamedTuple
from uuid import UUID

import polars as pl

from core.database import Connection
from core.errors import RowsMissingError
from core.ledger import enter_new_rows, enter_pending_readings, enter_staged_changes
from core.optimistic_copy import NotAllNewError, optimistic_copy
from core.queries import queries
from jobs.csv_import.ordered_commit import CommitSlot
from jobs.csv_import.pgcopy import copy_stream
from jobs.csv_import.prefetch import prefetch
from jobs.csv_import.staging import KEY, StagedBatch


class Written(NamedTuple):
    """How many keys were inserted, and how many replaced by their first value in the batch."""

    inserted: int
    replaced: int


async def write_rows(
    connection: Connection, import_id: UUID, staged: StagedBatch, slot: CommitSlot
) -> Written:
    """Write every key's values and enter late rows into the ledger.

    `slot.expect_new` says which of two ways to try first: COPY straight into the table, which is
    rolled back to a savepoint when a key exists already, or a merge from a staging table. Rows for
    the columnstore are merged, since that checks every row afterwards, and not concurrently with
    other rows of the import. Raises RowsMissingError or CommitOrderTimeoutError.
    """
    if staged.rows.is_empty():
        return Written(0, 0)
    if await reaches_columnstore(connection, staged):
        await slot.wait(within_seconds=0)
    elif slot.expect_new and await _copy_new(connection, import_id, staged):
        return Written(staged.rows.height, 0)
    return await _merge(connection, import_id, staged)


async def _copy_new(connection: Connection, import_id: UUID, staged: StagedBatch) -> bool:
    """Copy the last value of every key into readings; False, and nothing written, if one exists."""
    rows = staged.rows.select(*KEY, value="last_value")
    try:
        async with optimistic_copy(connection):
            await copy_rows(connection, "readings", rows)
    except NotAllNewError:
        return False
    ts_bounds = staged.ts_bounds_by_chunk().to_dict(as_series=False)
    changed = staged.days()
    if pending := await enter_new_rows(connection, ts_bounds, changed, rows.height, import_id):
        recent = rows.filter(pl.col("ts").is_between(pending.start, pending.end, closed="left"))
        await enter_pending_readings(connection, *recent.to_dict(as_series=False).values())
    return True


async def _merge(connection: Connection, import_id: UUID, staged: StagedBatch) -> Written:
    """Write what differs from the table, by way of a staging table."""
    await queries().create_import_staging(connection)
    await copy_rows(connection, "import_staging", staged.rows)
    changes = await queries().stage_changes(connection, **staged.ts_bounds)
    if not changes:
        return Written(0, 0)
    written = Written(**await queries().store_changes(connection, last_values=False))
    if staged.replaced_within_batch:
        await queries().store_changes(connection, last_values=True)
    await enter_staged_changes(connection, import_id, only_new=False)
    in_columnstore = await reaches_columnstore(connection, staged)
    if in_columnstore:
        await queries().record_decompressed_chunks(connection, import_id=import_id)
    if in_columnstore or sum(written) != changes:
        stored = await queries().count_stored_changes(connection, **staged.ts_bounds)
        require_every_row(changes, stored)
    return written


async def reaches_columnstore(connection: Connection, staged: StagedBatch) -> bool:
    """Whether rows go to columnstore chunks, where TimescaleDB has miscounted them (ts#7672)."""
    return bool(await queries().reaches_columnstore(connection, **staged.ts_bounds))


async def copy_rows(connection: Connection, table: str, rows: pl.DataFrame) -> None:
    """Copy the rows into the table of the same columns. Raises RowsMissingError."""
    async with aclosing(prefetch(copy_stream(rows))) as source:
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
