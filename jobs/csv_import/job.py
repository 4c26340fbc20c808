"""The queue's job: one attempt at an import, and whether the queue is to retry it."""

import asyncio
from datetime import timedelta
from uuid import UUID

import structlog
from pgqueuer.domain.errors import RetryRequested
from polars.exceptions import PanicException

from core.errors import ObjectMissingError, ObjectReplacedError
from core.imports import ImportFault, ImportState
from core.traces import span
from jobs.csv_import.context import ImportContext
from jobs.csv_import.load import load
from jobs.csv_import.rejects_resubmission import resubmit
from jobs.csv_import.repository import Claim
from jobs.errors import (
    EXPECTED_ERRORS,
    FileFaultError,
    LeaseLostError,
    RollupMismatchError,
    WorkerStoppingError,
)
from jobs.rollups.partial_hours import roll_forward
from jobs.rollups.refresh import refresh_dirty_ranges

log = structlog.get_logger()

MAX_RETRY_DELAY_SECONDS = 60
WAIT_FOR_REFRESHER_SECONDS = 0.2


async def run_import_job(context: ImportContext, import_id: UUID, retries: int) -> None:
    """Run one attempt at the import. Raises RetryRequested if the queue is to retry the job.

    `retries` of this job were requested before; the delay doubles with each.
    """
    try:
        await _run_attempt(context, import_id)
    except LeaseLostError:
        if await context.imports.is_cancelled(import_id):
            log.info("import_cancelled", import_id=str(import_id))
        else:
            log.warning("import_taken_over", import_id=str(import_id))
    except WorkerStoppingError as stopping:
        raise RetryRequested(reason=stopping.message) from stopping
    except (Exception, PanicException) as error:  # a panic is no Exception: it would end the worker
        unexpected = not isinstance(error, EXPECTED_ERRORS)
        log.exception(
            "import_attempt_failed",
            import_id=str(import_id),
            error=repr(error),
            exc_info=unexpected,
        )
        delay = timedelta(seconds=min(2**retries, MAX_RETRY_DELAY_SECONDS))
        raise RetryRequested(delay, reason=repr(error)) from error


async def _run_attempt(context: ImportContext, import_id: UUID) -> None:
    claim = await context.imports.claim(import_id)
    if claim is None:
        return
    log.info("import_attempt", import_id=str(import_id), attempt=claim.attempt, state=claim.state)
    try:
        with span("import", {"sensorflow.import_id": str(claim.id)}):
            await _run_to_completion(context, claim)
    except ObjectMissingError:
        await _fail(context, claim, _source_missing())
    except ObjectReplacedError:
        await _fail(context, claim, _source_replaced())
    except FileFaultError as fault:
        await _fail(context, claim, fault)
    except WorkerStoppingError:
        await context.imports.release(claim)
        raise


async def _fail(context: ImportContext, claim: Claim, fault: FileFaultError) -> None:
    log.warning("import_failed", import_id=str(claim.id), code=fault.code)
    await context.imports.fail(claim, fault.code, fault.message)


async def _run_to_completion(context: ImportContext, claim: Claim) -> None:
    if claim.tries > context.worker.max_attempts:
        raise _too_many_attempts(context.worker.max_attempts)
    if claim.state is ImportState.LOADING:
        if claim.resubmission is None:
            await load(context, claim)
        else:
            await resubmit(context, claim, claim.resubmission)
        await context.imports.begin_aggregating(claim)
    await _refresh_until_visible(context, claim)
    await roll_forward(context.pool, context.raise_if_stopping)
    await context.imports.finish(claim)
    log.info("import_done", import_id=str(claim.id))


async def _refresh_until_visible(context: ImportContext, claim: Claim) -> None:
    while not await context.imports.is_visible(claim):
        context.raise_if_stopping()
        if await refresh_dirty_ranges(context.database, context.raise_if_stopping):
            break
        await asyncio.sleep(WAIT_FOR_REFRESHER_SECONDS)
    if not await context.imports.is_visible(claim):
        raise RollupMismatchError("The rollups of the import's range cannot be brought up to date.")


def _source_missing() -> FileFaultError:
    return FileFaultError(
        ImportFault.SOURCE_MISSING,
        "The import's file is not in the object store any more. Rows loaded until then are kept. "
        "Send the file again.",
    )


def _source_replaced() -> FileFaultError:
    return FileFaultError(
        ImportFault.SOURCE_REPLACED,
        "Another file was sent to the uploadUrl after the import was completed. Rows loaded until "
        "then are kept. Ask for a new upload and send the file that is meant.",
    )


def _too_many_attempts(max_attempts: int) -> FileFaultError:
    return FileFaultError(
        ImportFault.TOO_MANY_ATTEMPTS,
        f"The import was tried {max_attempts} times without progress and is given up; the "
        "worker's log says why. Rows loaded until then are kept. Retry it, or split the file.",
    )
