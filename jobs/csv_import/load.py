"""From the stored file to readings: one batch of lines is judged while another is written."""

from asyncio import to_thread
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from core.readings import TimeBounds
from jobs.csv_import.ahead import ahead
from jobs.csv_import.header import read_header
from jobs.csv_import.judge import JudgedBatch, judge
from jobs.csv_import.lines import LINE_NUMBER, numbered_batches
from jobs.csv_import.rejects import first_reasons, forget_rejects_after, write_rejects
from jobs.csv_import.repository import Claim
from jobs.csv_import.source import plain_file
from jobs.csv_import.staging import StagedBatch, stage
from jobs.csv_import.work import ImportWork
from jobs.errors import FileFaultError

HEADER_LINES = 1


@dataclass(frozen=True, slots=True)
class PreparedBatch:
    """Lines of the file, ready to be written."""

    first_line: int
    last_line: int
    judged: JudgedBatch
    staged: StagedBatch


async def load(work: ImportWork, claim: Claim) -> None:
    """Load every line that no earlier attempt has committed.

    Raises FileFaultError when the file cannot be read or holds no good row.
    """
    await forget_rejects_after(work.storage, claim.id, claim.lines_done)
    limit = work.worker.max_inflated_bytes
    async with plain_file(work.storage, claim.object_key, limit, work.checkpoint) as path:
        expect_new = True
        async with aclosing(ahead(_prepared(work, claim, path))) as batches:
            async for batch in batches:
                work.checkpoint()
                expect_new = await _write(work, claim, batch, expect_new=expect_new)
    if not await work.imports.has_good_rows(claim):
        raise await _no_valid_rows(work, claim)


async def _prepared(work: ImportWork, claim: Claim, path: Path) -> AsyncGenerator[PreparedBatch]:
    """The batches of the file, each read and judged in a thread."""
    layout = await to_thread(read_header, path, claim.options)
    lines_done = max(claim.lines_done, HEADER_LINES)
    batches = numbered_batches(path, lines_done, work.batch_lines)
    while (lines := await to_thread(next, batches, None)) is not None:
        # By the moment the import began, so that a repeated attempt comes to the same verdicts.
        horizon = await work.imports.horizon()
        bounds = TimeBounds.at(claim.started_at, work.readings.max_future, horizon)
        judged = await to_thread(judge, lines, layout, claim.options, bounds)
        yield await to_thread(_prepare, lines, judged)


def _prepare(lines: pl.DataFrame, judged: JudgedBatch) -> PreparedBatch:
    numbers = lines[LINE_NUMBER]
    return PreparedBatch(numbers[0], numbers[-1], judged, stage(judged.readings))


async def _write(work: ImportWork, claim: Claim, batch: PreparedBatch, *, expect_new: bool) -> bool:
    await write_rejects(work.storage, claim.id, batch.first_line, batch.judged.rejects)
    return await work.imports.store_batch(
        claim, batch.last_line, batch.judged, batch.staged, expect_new=expect_new
    )


async def _no_valid_rows(work: ImportWork, claim: Claim) -> FileFaultError:
    reasons = await first_reasons(work.storage, claim.id)
    told = f"The first reasons: {'; '.join(reasons)}." if reasons else "It has only a header."
    return FileFaultError(
        "no_valid_rows",
        f"No row of the file could be stored. {told} The rejects of the import list every line.",
    )
