"""Rejected rows that came back corrected, loaded into the import that rejected them.

Each part of the current rejects is a batch: its corrected rows are judged again, and what is left
of it goes into the next generation. A crash is mended as in a load, behind the last part stored.
"""

import io
from asyncio import to_thread
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path, PurePosixPath

import polars as pl

from core.readings import TimeBounds
from core.storage import rejects_folder
from jobs.csv_import.batch import Batch
from jobs.csv_import.context import ImportWork
from jobs.csv_import.error_limit import require_good_rows
from jobs.csv_import.field_splitting import split
from jobs.csv_import.numbered_lines import LINE_NUMBER, TEXT
from jobs.csv_import.ordered_commit import Turn
from jobs.csv_import.rejects import delete_uncommitted_rejects, write_rejects
from jobs.csv_import.repository import Claim, Repair
from jobs.csv_import.row_batches import RowSource
from jobs.csv_import.staging import stage
from jobs.csv_import.validated_batches import open_rows
from jobs.csv_import.validation import JudgedBatch, judge
from jobs.csv_import.verified_download import received_file

Schema = Mapping[str, type[pl.DataType]]

CORRECTIONS: Schema = {LINE_NUMBER: pl.Int64, TEXT: pl.String}
REJECTS: Schema = {LINE_NUMBER: pl.Int64, "code": pl.String, "column": pl.String, TEXT: pl.String}

Judge = Callable[[pl.DataFrame], JudgedBatch]


async def repair(work: ImportWork, claim: Claim, repair: Repair) -> None:
    """Load what was corrected of every part of the rejects that no earlier attempt has committed.

    Raises FileFaultError when the import is left without a good row, or its file cannot be read.
    """
    left = rejects_folder(claim.id, claim.rejects_generation + 1)
    await delete_uncommitted_rejects(work.storage, left, repair.lines_done)
    source = await _source(work, claim)
    async with work.storage.as_file(repair.object_key) as file:
        corrections = await to_thread(_read, file.path, CORRECTIONS, has_header=True)
    for part in await work.storage.keys(claim.rejects_folder):
        first_line = int(PurePosixPath(part).stem)
        if first_line > repair.lines_done:
            work.checkpoint()
            rejects = await _rejects(work, part)
            judged = await _judge(work, source, repair)
            batch = await to_thread(_repaired, first_line, rejects, corrections, judged)
            tell = partial(write_rejects, work.storage, left, first_line)
            await tell(batch.rejects)
            await work.imports.store_batch(claim, batch, Turn(expect_new=False), tell)
    await require_good_rows(work, claim)


async def _source(work: ImportWork, claim: Claim) -> RowSource:
    """The import's file, for how its rows divide."""
    async with received_file(work, claim) as path:
        return await to_thread(open_rows, work, claim, path)


async def _rejects(work: ImportWork, part: str) -> pl.DataFrame:
    content = b"".join([chunk async for chunk in work.storage.read(part)])
    return await to_thread(_read, io.BytesIO(content), REJECTS, has_header=False)


async def _judge(work: ImportWork, source: RowSource, repair: Repair) -> Judge:
    """How to judge rows of the source, by the moment at which they came back corrected."""
    horizon = await work.imports.horizon()
    bounds = TimeBounds.at(repair.asked_at, work.readings.max_future, horizon)
    return lambda lines: judge(split(lines, source.layout), source.options, bounds)


def _repaired(
    first_line: int, rejects: pl.DataFrame, corrections: pl.DataFrame, judged_by: Judge
) -> Batch:
    """What becomes of a part of the rejects: readings of the rows that are good now, and the rest.

    No row is read anew, and every good one is a reject less.
    """
    corrected = rejects.select(LINE_NUMBER).join(corrections, LINE_NUMBER, maintain_order="left")
    others = rejects.join(corrections, LINE_NUMBER, how="anti", maintain_order="left")
    judged = judged_by(corrected)
    still_bad = pl.concat([others, judged.rejects]).sort(LINE_NUMBER)
    return Batch(
        first_line=first_line,
        last_line=first_line,
        size_bytes=0,
        rows_read=0,
        rows_rejected=-judged.readings.height,
        rejects=still_bad,
        staged=stage(judged.readings),
        numbered=judged.numbered,
    )


def _read(source: Path | io.BytesIO, schema: Schema, *, has_header: bool) -> pl.DataFrame:
    return pl.read_csv(source, has_header=has_header, schema=schema, empty_string_is_null=False)
