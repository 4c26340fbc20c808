"""The rows of a file, judged batch by batch."""

from asyncio import to_thread
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from core.readings import TimeBounds
from jobs.csv_import.context import ImportWork
from jobs.csv_import.csv_file import open_csv
from jobs.csv_import.parquet_file import open_parquet
from jobs.csv_import.repository import Claim
from jobs.csv_import.row_batches import RowSource
from jobs.csv_import.validation import JudgedBatch, judge


@dataclass(frozen=True, slots=True)
class JudgedLines:
    """A batch and where it stands in the file."""

    first_line: int
    last_line: int
    size_bytes: int
    judged: JudgedBatch


async def judged_lines(work: ImportWork, claim: Claim, path: Path) -> AsyncGenerator[JudgedLines]:
    """The rows that no earlier attempt has committed, each batch read and judged in a thread.

    Raises FileFaultError when the file cannot be read.
    """
    source = await to_thread(open_rows, work, claim, path)
    while (rows := await to_thread(next, source.batches, None)) is not None:
        # By the moment the import began, so that a repeated attempt comes to the same verdicts.
        horizon = await work.imports.horizon()
        bounds = TimeBounds.at(claim.started_at, work.readings.max_future, horizon)
        judged = await to_thread(judge, rows.frame, source.options, bounds)
        yield JudgedLines(rows.first_line, rows.last_line, rows.size_bytes, judged)


def open_rows(work: ImportWork, claim: Claim, path: Path) -> RowSource:
    """The rows that no earlier attempt has committed. Raises FileFaultError."""
    if path.suffix == ".parquet":
        limit = work.worker.max_inflated_bytes
        return open_parquet(path, claim.options, claim.lines_done, work.batch_lines, limit)
    return open_csv(path, claim.options, claim.lines_done, work.batch_lines)
