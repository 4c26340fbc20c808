"""Whether a file is one to load: it has a good row, and no more errors than its sender allows."""

from contextlib import aclosing
from pathlib import Path

from jobs.csv_import.context import ImportWork
from jobs.csv_import.prefetch import ahead
from jobs.csv_import.rejects import delete_uncommitted_rejects, first_reject_reasons, write_rejects
from jobs.csv_import.repository import Claim, RowCounts
from jobs.csv_import.validated_batches import judged_lines
from jobs.errors import FileFaultError


async def require_few_errors(work: ImportWork, claim: Claim, path: Path) -> None:
    """Judge the whole file before any of it is stored, if errors are to discard it.

    Raises FileFaultError: `too_many_errors`, and then the rejects are stored and counted.
    """
    options = claim.options
    if options.max_errors is None or options.keeps_on_failure or claim.lines_done:
        return
    try:
        counts = await _rehearsed(work, claim, path)
    except FileFaultError:  # the rest cannot be read: of a file that is not loaded none is rejected
        await delete_uncommitted_rejects(work.storage, claim.rejects_folder, 0)
        raise
    if not options.allows(counts.rejected, counts.read):
        await work.imports.count_discarded(claim, counts.rejected)
        raise _too_many_errors(claim, counts, "Nothing of it was stored.")


async def _rehearsed(work: ImportWork, claim: Claim, path: Path) -> RowCounts:
    """The rows of the whole file, and its rejects, which are stored."""
    read = rejected = 0
    async with aclosing(ahead(judged_lines(work, claim, path))) as batches:
        async for batch in batches:
            work.checkpoint()
            rejects = batch.judged.rejects
            await write_rejects(work.storage, claim.rejects_folder, batch.first_line, rejects)
            read += batch.judged.rows_read
            rejected += rejects.height
    return RowCounts(read, rejected)


async def require_good_rows(work: ImportWork, claim: Claim) -> None:
    """Look at the account of the loaded file.

    Raises FileFaultError: `no_valid_rows`, or `too_many_errors` where these discard nothing.
    """
    options, counts = claim.options, await work.imports.row_counts(claim)
    if options.keeps_on_failure and not options.allows(counts.rejected, counts.read):
        raise _too_many_errors(claim, counts, "What was loaded until then is kept.")
    if counts.read == counts.rejected:
        raise await _no_valid_rows(work, claim)


def _too_many_errors(claim: Claim, counts: RowCounts, consequence: str) -> FileFaultError:
    return FileFaultError(
        "too_many_errors",
        f"{counts.rejected} of {counts.read} rows were rejected; maxErrors allows "
        f"{claim.options.max_errors}. {consequence} The rejects of the import list them: correct "
        "these rows and send the file again, or allow more.",
    )


async def _no_valid_rows(work: ImportWork, claim: Claim) -> FileFaultError:
    reasons = await first_reject_reasons(work.storage, claim.rejects_folder)
    told = f"The first reasons: {'; '.join(reasons)}." if reasons else "It has only a header."
    return FileFaultError(
        "no_valid_rows",
        f"No row of the file could be stored. {told} The rejects of the import list every line.",
    )
