"""A batch is stored; rows that differ from stored values replace them, are skipped or rejected."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import polars as pl

from core.database import Connection
from core.imports import VALUE
from core.ledger import enter_staged_changes
from core.queries import all_rows, queries
from core.readings import OnConflict, RejectCode
from jobs.csv_import.batch import Batch
from jobs.csv_import.numbered_lines import LINE_NUMBER, TEXT
from jobs.csv_import.ordered_commit import CommitSlot
from jobs.csv_import.staging import KEY, StagedBatch
from jobs.csv_import.wide_cells import SENSOR
from jobs.csv_import.writing import (
    copy_rows,
    reaches_columnstore,
    require_every_row,
    write_rows,
)


class Stored(NamedTuple):
    """How many rows were inserted and replaced; all rejects of the batch, conflicts among them."""

    inserted: int
    replaced: int
    rejects: pl.DataFrame


async def store_rows(
    connection: Connection, import_id: UUID, batch: Batch, slot: CommitSlot, on_conflict: OnConflict
) -> Stored:
    """Write the batch and enter late rows into the ledger.

    The result is that of storing row by row: a row also conflicts with an earlier row of its file.
    Raises RowsMissingError or CommitOrderTimeoutError.
    """
    staged = batch.staged
    if on_conflict is OnConflict.REPLACE or staged.rows.is_empty():
        written = await write_rows(connection, import_id, staged, slot)
        return Stored(
            written.inserted, written.replaced + staged.replaced_within_batch, batch.rejects
        )
    inserted = await _store_new(connection, import_id, staged, slot)
    if batch.numbered_readings is None:
        return Stored(inserted, 0, batch.rejects)
    existing = await all_rows(queries().conflicting_values, connection, **staged.ts_bounds)
    conflicts = conflicting_rows(batch.numbered_readings, staged, [*map(tuple, existing)])
    return Stored(inserted, 0, in_order(batch.rejects, conflicts))


async def _store_new(
    connection: Connection, import_id: UUID, staged: StagedBatch, slot: CommitSlot
) -> int:
    """Write the first value of every key that is not stored yet; how many these are."""
    in_columnstore = await reaches_columnstore(connection, staged)
    if in_columnstore:
        await slot.wait(within_seconds=0)
    await queries().create_import_staging(connection)
    await copy_rows(connection, "import_staging", staged.rows)
    inserted: int = await queries().store_new(connection)
    stored = await queries().count_stored_keys(connection, **staged.ts_bounds)
    require_every_row(staged.rows.height, stored)
    if inserted and in_columnstore:
        await queries().record_decompressed_chunks(connection, import_id=import_id)
    if inserted:
        await enter_staged_changes(connection, import_id, only_new=True)
    return inserted


def in_order(*rejects: pl.DataFrame) -> pl.DataFrame:
    """The rejects in the order of their lines; the same for every attempt."""
    return pl.concat(rejects).sort(LINE_NUMBER, maintain_order=True)


def conflicting_rows(
    numbered_readings: pl.DataFrame, staged: StagedBatch, existing: Sequence[tuple[object, ...]]
) -> pl.DataFrame:
    """The rows, as rejects, that differ from the value of their key that stays.

    That is the first staged value, except for the keys in `existing` (equipment_id, ts, value).
    """
    keys = staged.rows.select(KEY).schema
    existing_values = pl.DataFrame(existing, {**keys, "existing": pl.Float64}, orient="row")
    firsts = staged.rows.select(*KEY, "first_value")
    conflicts = (
        numbered_readings.join(firsts, on=KEY)
        .join(existing_values, on=KEY, how="left")
        .filter(pl.col("value") != pl.coalesce("existing", "first_value"))
    )
    column = pl.col(SENSOR) if SENSOR in conflicts.columns else pl.lit(VALUE)
    return conflicts.select(
        LINE_NUMBER, code=pl.lit(str(RejectCode.CONFLICT)), column=column, row=TEXT
    )
