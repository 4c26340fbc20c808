"""A batch's rows into the hypertable; what becomes of those whose key has another value there."""

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
from jobs.csv_import.ordered_commit import Turn
from jobs.csv_import.staging import KEY, StagedBatch
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
    connection: Connection, import_id: UUID, batch: Batch, turn: Turn, on_conflict: OnConflict
) -> Stored:
    """Write the batch and enter late rows into the ledger.

    As if row by row: a row meets what an earlier row of its file has stored like anything else.
    Raises RowsMissingError or TurnLateError.
    """
    staged = batch.staged
    if on_conflict is OnConflict.REPLACE or staged.rows.is_empty():
        written = await write_rows(connection, import_id, staged, turn)
        return Stored(written.inserted, written.replaced + staged.replaced_inside, batch.rejects)
    inserted = await _store_new(connection, import_id, staged, turn)
    if batch.numbered is None:
        return Stored(inserted, 0, batch.rejects)
    stayed = await all_rows(queries().values_that_stayed, connection, **staged.span)
    conflicts = conflicts_among(batch.numbered, staged, [*map(tuple, stayed)])
    return Stored(inserted, 0, pl.concat([batch.rejects, conflicts]).sort(LINE_NUMBER))


async def _store_new(
    connection: Connection, import_id: UUID, staged: StagedBatch, turn: Turn
) -> int:
    """Write the first value of every key that is not stored yet; how many these are."""
    in_columnstore = await reaches_columnstore(connection, staged)
    if in_columnstore:
        await turn.comes(within_seconds=0)
    await queries().create_import_staging(connection)
    await copy_rows(connection, "import_staging", staged.rows)
    inserted: int = await queries().store_new(connection)
    stored = await queries().count_stored_keys(connection, **staged.span)
    require_every_row(staged.rows.height, stored)
    if inserted and in_columnstore:
        await queries().note_opened_chunks(connection, import_id=import_id)
    if inserted:
        await enter_staged_changes(connection, import_id, only_new=True)
    return inserted


def conflicts_among(
    numbered: pl.DataFrame, staged: StagedBatch, stayed: Sequence[tuple[object, ...]]
) -> pl.DataFrame:
    """The rows, as rejects, whose value is not the one that stays.

    `stayed` are the keys whose first staged value does not stay, with the value that does.
    """
    keys = staged.rows.select(KEY).schema
    kept = pl.DataFrame(stayed, {**keys, "stayed": pl.Float64}, orient="row")
    firsts = staged.rows.select(*KEY, "first_value")
    conflicts = (
        numbered.join(firsts, on=KEY)
        .join(kept, on=KEY, how="left")
        .filter(pl.col("value") != pl.coalesce("stayed", "first_value"))
    )
    return conflicts.select(
        LINE_NUMBER, code=pl.lit(str(RejectCode.CONFLICT)), column=pl.lit(VALUE), row=TEXT
    )
