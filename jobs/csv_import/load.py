"""From the stored file to readings: one batch of lines is judged while another is written."""

from asyncio import to_thread
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from jobs.csv_import.acceptance import require_few_errors, require_good_rows
from jobs.csv_import.ahead import ahead
from jobs.csv_import.judge import JudgedBatch
from jobs.csv_import.reading import judged_lines
from jobs.csv_import.rejects import forget_rejects_after, write_rejects
from jobs.csv_import.repository import Claim
from jobs.csv_import.source import plain_file
from jobs.csv_import.staging import StagedBatch, stage
from jobs.csv_import.work import ImportWork


@dataclass(frozen=True, slots=True)
class PreparedBatch:
    """Lines of the file, ready to be written."""

    first_line: int
    last_line: int
    judged: JudgedBatch
    staged: StagedBatch


async def load(work: ImportWork, claim: Claim) -> None:
    """Load every line that no earlier attempt has committed.

    Raises FileFaultError when the file cannot be read, has too many errors or no good row.
    """
    await forget_rejects_after(work.storage, claim.id, claim.lines_done)
    limit = work.worker.max_inflated_bytes
    async with plain_file(work.storage, claim.object_key, limit, work.checkpoint) as path:
        await require_few_errors(work, claim, path)
        expect_new = True
        async with aclosing(ahead(_prepared(work, claim, path))) as batches:
            async for batch in batches:
                work.checkpoint()
                expect_new = await _write(work, claim, batch, expect_new=expect_new)
    await require_good_rows(work, claim)


async def _prepared(work: ImportWork, claim: Claim, path: Path) -> AsyncGenerator[PreparedBatch]:
    """The batches of the file, up to the one with which the sender gives it up."""
    rejected = claim.rows_rejected
    async with aclosing(judged_lines(work, claim, path)) as batches:
        async for batch in batches:
            if claim.options.gives_up_after(rejected):
                return
            rejected += batch.judged.rejects.height
            staged = await to_thread(stage, batch.judged.readings)
            yield PreparedBatch(batch.first_line, batch.last_line, batch.judged, staged)


async def _write(work: ImportWork, claim: Claim, batch: PreparedBatch, *, expect_new: bool) -> bool:
    await write_rejects(work.storage, claim.id, batch.first_line, batch.judged.rejects)
    return await work.imports.store_batch(
        claim, batch.last_line, batch.judged, batch.staged, expect_new=expect_new
    )
