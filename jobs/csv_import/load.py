"""From the stored file to readings: line batches, each judged in a thread and then committed."""

from asyncio import to_thread
from collections.abc import Sequence

import polars as pl

from core.readings import TimeBounds
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


async def load(work: ImportWork, claim: Claim) -> None:
    """Load every line that no earlier attempt has committed.

    Raises FileFaultError when the file cannot be read or holds no good row.
    """
    await forget_rejects_after(work.storage, claim.id, claim.lines_done)
    limit = work.worker.max_inflated_bytes
    async with plain_file(work.storage, claim.object_key, limit, work.checkpoint) as path:
        columns = await to_thread(read_header, path)
        lines_done = max(claim.lines_done, HEADER_LINES)
        batches = numbered_batches(path, lines_done, work.batch_lines)
        while (lines := await to_thread(next, batches, None)) is not None:
            work.checkpoint()
            await _load_batch(work, claim, columns, lines)
    if not await work.imports.has_good_rows(claim):
        raise await _no_valid_rows(work, claim)


async def _load_batch(
    work: ImportWork, claim: Claim, columns: Sequence[str], lines: pl.DataFrame
) -> None:
    # By the moment the import began, so that a repeated attempt comes to the same verdicts.
    horizon = await work.imports.horizon()
    bounds = TimeBounds.at(claim.started_at, work.readings.max_future, horizon)
    judged, staged = await to_thread(_judge_and_stage, lines, columns, bounds)
    numbers = lines[LINE_NUMBER]
    await write_rejects(work.storage, claim.id, numbers[0], judged.rejects)
    await work.imports.store_batch(claim, numbers[-1], judged, staged)


def _judge_and_stage(
    lines: pl.DataFrame, columns: Sequence[str], bounds: TimeBounds
) -> tuple[JudgedBatch, StagedBatch]:
    judged = judge(lines, columns, bounds)
    return judged, stage(judged.readings)


async def _no_valid_rows(work: ImportWork, claim: Claim) -> FileFaultError:
    reasons = await first_reasons(work.storage, claim.id)
    told = f"The first reasons: {'; '.join(reasons)}." if reasons else "It has only a header."
    return FileFaultError(
        "no_valid_rows",
        f"No row of the file could be stored. {told} The rejects of the import list every line.",
    )
