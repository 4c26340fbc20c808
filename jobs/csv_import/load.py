"""From the stored file to readings: one batch of lines is judged while others are written."""

from asyncio import to_thread
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from pathlib import Path

from jobs.csv_import.batch import Batch
from jobs.csv_import.context import ImportWork
from jobs.csv_import.error_limit import require_few_errors, require_good_rows
from jobs.csv_import.ordered_commit import Turn, store_in_order
from jobs.csv_import.prefetch import ahead
from jobs.csv_import.rejects import delete_uncommitted_rejects, write_rejects
from jobs.csv_import.repository import Claim
from jobs.csv_import.staging import stage
from jobs.csv_import.validated_batches import JudgedLines, judged_lines
from jobs.csv_import.verified_download import received_file


async def load(work: ImportWork, claim: Claim) -> None:
    """Load every line that no earlier attempt has committed.

    Raises FileFaultError when the file cannot be read, has too many errors or no good row.
    """
    await delete_uncommitted_rejects(work.storage, claim.rejects_folder, claim.lines_done)
    async with received_file(work, claim) as path:
        await require_few_errors(work, claim, path)
        await work.imports.begin_loading(claim, (await to_thread(path.stat)).st_size)
        async with aclosing(ahead(_prepared(work, claim, path))) as batches:
            await store_in_order(batches, partial(_store, work, claim))
    await require_good_rows(work, claim)


async def _prepared(work: ImportWork, claim: Claim, path: Path) -> AsyncGenerator[Batch]:
    """The batches of the file, up to the one with which the sender gives it up."""
    rejected = claim.rows_rejected
    async with aclosing(judged_lines(work, claim, path)) as batches:
        async for lines in batches:
            if claim.options.gives_up_after(rejected):
                return
            rejected += lines.judged.rejects.height
            yield await to_thread(_ready, lines)


def _ready(lines: JudgedLines) -> Batch:
    judged = lines.judged
    return Batch(
        lines.first_line,
        lines.last_line,
        lines.size_bytes,
        judged.rows_read,
        judged.rejects.height,
        judged.rejects,
        stage(judged.readings),
        judged.numbered,
    )


async def _store(work: ImportWork, claim: Claim, batch: Batch, turn: Turn) -> bool:
    work.checkpoint()
    tell = partial(write_rejects, work.storage, claim.rejects_folder, batch.first_line)
    await tell(batch.rejects)
    return await work.imports.store_batch(claim, batch, turn, tell)
