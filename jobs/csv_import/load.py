"""From the stored file to readings: one batch is validated while others are written."""

from asyncio import to_thread
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path

from core.row_warnings import RowWarning, merge_warnings
from jobs.csv_import.batch import Batch
from jobs.csv_import.context import ImportContext
from jobs.csv_import.error_limit import require_errors_within_limit, require_valid_rows
from jobs.csv_import.ordered_commit import CommitSlot, commit_in_order
from jobs.csv_import.prefetch import prefetch
from jobs.csv_import.rejects import delete_uncommitted_rejects, write_rejects
from jobs.csv_import.repository import Claim
from jobs.csv_import.staging import stage
from jobs.csv_import.validated_batches import ValidatedLines, open_row_source, validated_batches
from jobs.csv_import.verified_download import verified_download


async def load(context: ImportContext, claim: Claim) -> None:
    """Load every line that no earlier attempt has committed.

    Raises FileFaultError when the file cannot be read, has too many errors or no valid row.
    """
    await delete_uncommitted_rejects(context.storage, claim.rejects_folder, claim.lines_done)
    async with verified_download(context, claim) as path:
        await require_errors_within_limit(context, claim, path)
        await context.imports.begin_loading(claim, (await to_thread(path.stat)).st_size)
        async with aclosing(prefetch(_staged_batches(context, claim, path))) as batches:
            await commit_in_order(batches, partial(_store, context, claim))
        source = await to_thread(open_row_source, context, claim, path)
    await require_valid_rows(context, claim, source)


async def _staged_batches(
    context: ImportContext, claim: Claim, path: Path
) -> AsyncGenerator[Batch]:
    """The batches of the file, up to the one that exceeds a counted error limit."""
    rejected, warnings = claim.rows_rejected, claim.warnings
    async with aclosing(validated_batches(context, claim, path)) as batches:
        async for lines in batches:
            if claim.options.stops_after(rejected):
                return
            rejected += lines.batch.rejects.height
            warnings = merge_warnings(warnings, lines.batch.warnings)
            yield await to_thread(_staged, lines, warnings)


def _staged(lines: ValidatedLines, warnings: Sequence[RowWarning]) -> Batch:
    validated = lines.batch
    return Batch(
        first_line=lines.first_line,
        last_line=lines.last_line,
        size_bytes=lines.size_bytes,
        rows_read=validated.rows_read,
        rows_skipped=validated.skipped,
        rows_rejected=validated.rejects.height,
        rejects=validated.rejects,
        staged=stage(validated.readings),
        warnings=warnings,
        numbered_readings=validated.numbered_readings,
    )


async def _store(context: ImportContext, claim: Claim, batch: Batch, slot: CommitSlot) -> bool:
    context.raise_if_stopping()
    write = partial(write_rejects, context.storage, claim.rejects_folder, batch.first_line)
    await write(batch.rejects)
    return await context.imports.store_batch(claim, batch, slot, write)
