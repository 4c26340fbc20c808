"""Rejected rows that were resubmitted with corrections, loaded into the import they belong to.

Each part of the current rejects is a batch: its corrected rows are validated again, and those still
rejected go into the next generation of rejects. After a crash the next attempt continues behind the
last part that was committed, as in a load.
"""

from asyncio import to_thread
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

import polars as pl

from core.imports import TableLayout
from core.row_warnings import RowWarning, merge_warnings
from core.storage import rejects_folder
from jobs.csv_import.batch import Batch
from jobs.csv_import.conflicts import in_order
from jobs.csv_import.context import ImportContext
from jobs.csv_import.error_limit import require_valid_rows
from jobs.csv_import.field_splitting import split_fields
from jobs.csv_import.numbered_lines import LINE_NUMBER, TEXT
from jobs.csv_import.ordered_commit import CommitSlot
from jobs.csv_import.rejects import delete_uncommitted_rejects, read_rejects, write_rejects
from jobs.csv_import.repository import Claim, Resubmission
from jobs.csv_import.row_batches import RowSource
from jobs.csv_import.staging import stage
from jobs.csv_import.validated_batches import open_row_source, time_bounds
from jobs.csv_import.validation import ValidatedBatch, validate
from jobs.csv_import.verified_download import verified_download
from jobs.csv_import.wide_cells import split_rejects

Schema = Mapping[str, type[pl.DataType]]

# A reject is known by its line, or in a wide file by line and column.
CORRECTIONS: Mapping[TableLayout, Schema] = {
    TableLayout.LONG: {LINE_NUMBER: pl.Int64, TEXT: pl.String},
    TableLayout.WIDE: {LINE_NUMBER: pl.Int64, "column": pl.String, TEXT: pl.String},
}

ValidateLines = Callable[[pl.DataFrame], ValidatedBatch]


async def resubmit(context: ImportContext, claim: Claim, resubmission: Resubmission) -> None:
    """Load the corrected rows of each part of the rejects that no earlier attempt has committed.

    Raises FileFaultError when the import is left without a valid row, or its file is unreadable.
    """
    next_folder = rejects_folder(claim.id, claim.rejects_generation + 1)
    await delete_uncommitted_rejects(context.storage, next_folder, resubmission.lines_done)
    source = await _source(context, claim)
    async with context.storage.as_file(resubmission.object_key) as file:
        schema = CORRECTIONS[source.options.layout]
        corrections = await to_thread(_read_corrections, file.path, schema)
    warnings = claim.warnings
    for part in await context.storage.keys(claim.rejects_folder):
        first_line = int(PurePosixPath(part).stem)
        if first_line > resubmission.lines_done:
            context.raise_if_stopping()
            rejects = await read_rejects(context.storage, part)
            validate_lines = await _validator(context, source, resubmission)
            correct = partial(_corrected, first_line, rejects, corrections, validate_lines)
            batch = await to_thread(correct, warnings)
            warnings = batch.warnings
            write = partial(write_rejects, context.storage, next_folder, first_line)
            await write(batch.rejects)
            await context.imports.store_batch(claim, batch, CommitSlot(expect_new=False), write)
    await require_valid_rows(context, claim, source)


async def _source(context: ImportContext, claim: Claim) -> RowSource:
    """The import's file, opened for its layout and options."""
    async with verified_download(context, claim) as path:
        return await to_thread(open_row_source, context, claim, path)


async def _validator(
    context: ImportContext, source: RowSource, resubmission: Resubmission
) -> ValidateLines:
    """Validates rows of the source, relative to the time of the resubmission."""
    bounds = await time_bounds(context, source.options, resubmission.submitted_at)
    split = split_rejects if source.layout.sensors else split_fields
    return lambda lines: validate(split(lines, source.layout), source.options, bounds)


def _corrected(
    first_line: int,
    rejects: pl.DataFrame,
    corrections: pl.DataFrame,
    validate_lines: ValidateLines,
    warnings: Sequence[RowWarning],
) -> Batch:
    """A part of the rejects as a batch: the readings that are valid now, and the other rejects.

    Each row that is valid now, or skipped, is a reject less. Rows are read besides only where a
    line of a wide file is now split into its cells. What rejects look like was said before.
    """
    key = [column for column in corrections.columns if column != TEXT]
    corrected = rejects.select(key).join(corrections, key, maintain_order="left")
    others = rejects.join(corrections, key, how="anti", maintain_order="left")
    validated = validate_lines(corrected)
    return Batch(
        first_line=first_line,
        last_line=first_line,
        size_bytes=0,
        rows_read=validated.rows_read - corrected.height,
        rows_skipped=validated.skipped,
        rows_rejected=validated.rejects.height - corrected.height,
        rejects=in_order(others, validated.rejects),
        staged=stage(validated.readings),
        warnings=merge_warnings(warnings, validated.valid_warnings),
        numbered_readings=validated.numbered_readings,
    )


def _read_corrections(path: Path, schema: Schema) -> pl.DataFrame:
    return pl.read_csv(path, schema=schema, empty_string_is_null=False)
