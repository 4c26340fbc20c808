"""Whether a file may be loaded: it has a valid row, and no more errors than its sender allows."""

from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

from core.imports import ImportFault
from core.row_warnings import RowWarning, merge_warnings
from jobs.csv_import.context import ImportContext
from jobs.csv_import.prefetch import prefetch
from jobs.csv_import.reject_reasons import explain_rejects
from jobs.csv_import.rejects import delete_uncommitted_rejects, write_rejects
from jobs.csv_import.repository import Claim, RowCounts
from jobs.csv_import.row_batches import RowSource
from jobs.csv_import.validated_batches import validated_batches
from jobs.errors import FileFaultError


async def require_errors_within_limit(context: ImportContext, claim: Claim, path: Path) -> None:
    """Validate the whole file before any of it is stored, if too many errors discard it.

    Raises FileFaultError: `too_many_errors`, and then the rejects are stored and counted.
    """
    options = claim.options
    if options.max_errors is None or options.retains_rows_on_failure or claim.lines_done:
        return
    try:
        counts, warnings = await _validate_all(context, claim, path)
    except (
        FileFaultError
    ):  # the rest is unreadable: of a file that is not loaded no row is rejected
        await delete_uncommitted_rejects(context.storage, claim.rejects_folder, 0)
        raise
    if not options.allows(counts.rejected, counts.read):
        await context.imports.count_discarded(claim, counts.rejected, warnings)
        raise _too_many_errors(claim, counts, "Nothing of it was stored.")


async def _validate_all(
    context: ImportContext, claim: Claim, path: Path
) -> tuple[RowCounts, Sequence[RowWarning]]:
    """The row counts and the warnings of the whole file, whose rejects are stored."""
    read = rejected = 0
    warnings: Sequence[RowWarning] = ()
    async with aclosing(prefetch(validated_batches(context, claim, path))) as batches:
        async for lines in batches:
            context.raise_if_stopping()
            rejects = lines.batch.rejects
            await write_rejects(context.storage, claim.rejects_folder, lines.first_line, rejects)
            read += lines.batch.rows_read
            rejected += rejects.height
            warnings = merge_warnings(warnings, lines.batch.warnings)
    return RowCounts(read, rejected), warnings


async def require_valid_rows(context: ImportContext, claim: Claim, source: RowSource) -> None:
    """Check the row counts of the loaded file, which was read from `source`.

    Raises FileFaultError: `no_valid_rows`, or `too_many_errors` where these discard nothing.
    """
    options, counts = claim.options, await context.imports.row_counts(claim)
    if options.retains_rows_on_failure and not options.allows(counts.rejected, counts.read):
        raise _too_many_errors(claim, counts, "What was loaded until then is kept.")
    if counts.read == counts.rejected:
        raise await _no_valid_rows(context, claim, source)


def _too_many_errors(claim: Claim, counts: RowCounts, consequence: str) -> FileFaultError:
    return FileFaultError(
        ImportFault.TOO_MANY_ERRORS,
        f"{counts.rejected} of {counts.read} rows were rejected; maxErrors allows "
        f"{claim.options.max_errors}. {consequence} The rejects of the import list them: correct "
        "these rows and send the file again, or allow more.",
    )


async def _no_valid_rows(context: ImportContext, claim: Claim, source: RowSource) -> FileFaultError:
    reasons = await explain_rejects(context.storage, claim.rejects_folder, source)
    cause = reasons or "It has only a header."
    return FileFaultError(
        ImportFault.NO_VALID_ROWS,
        f"No row of the file could be stored. {cause} The rejects of the import list every line.",
    )
