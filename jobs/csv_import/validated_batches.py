"""The rows of a file, validated batch by batch."""

from asyncio import to_thread
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core.imports import ImportOptions
from core.readings import TimeBounds
from jobs.csv_import.context import ImportContext
from jobs.csv_import.csv_file import open_csv
from jobs.csv_import.parquet_file import open_parquet
from jobs.csv_import.repository import Claim
from jobs.csv_import.row_batches import RowSource
from jobs.csv_import.validation import ValidatedBatch, validate


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidatedLines:
    """A validated batch and its lines in the file."""

    first_line: int
    last_line: int
    size_bytes: int
    batch: ValidatedBatch


async def validated_batches(
    context: ImportContext, claim: Claim, path: Path
) -> AsyncGenerator[ValidatedLines]:
    """The rows that no earlier attempt has committed, each batch read and validated in a thread.

    Raises FileFaultError when the file cannot be read.
    """
    source = await to_thread(open_row_source, context, claim, path)
    while (rows := await to_thread(next, source.batches, None)) is not None:
        # Relative to the import's start, so that a repeated attempt rejects the same rows.
        bounds = await time_bounds(context, claim.options, claim.started_at)
        yield ValidatedLines(
            first_line=rows.first_line,
            last_line=rows.last_line,
            size_bytes=rows.size_bytes,
            batch=await to_thread(validate, rows.frame, source.options, bounds),
        )


async def time_bounds(context: ImportContext, options: ImportOptions, now: datetime) -> TimeBounds:
    """The bounds of timestamps at `now`, by the settings and the import's options."""
    limits = context.readings
    earliest = options.earliest or limits.earliest
    return TimeBounds.at(now, limits.max_future, earliest, await context.imports.horizon())


def open_row_source(context: ImportContext, claim: Claim, path: Path) -> RowSource:
    """The rows that no earlier attempt has committed. Raises FileFaultError."""
    if path.suffix.lower() == ".parquet":
        max_bytes = context.worker.max_inflated_bytes
        return open_parquet(path, claim.options, claim.lines_done, context.batch_lines, max_bytes)
    return open_csv(path, claim.options, claim.lines_done, context.batch_lines)
