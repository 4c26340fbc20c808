"""The job of the queue: one attempt at an import, and what its end means for the queue."""

import asyncio
from datetime import timedelta
from uuid import UUID

import structlog
from pgqueuer.domain.errors import RetryRequested
from polars.exceptions import PanicException

from core.errors import ObjectMissingError, ObjectReplacedError
from core.imports import ImportState
from core.traces import span
from jobs.csv_import.context import ImportWork
from jobs.csv_import.load import load
from jobs.csv_import.rejects_resubmission import repair
from jobs.csv_import.repository import Claim
from jobs.errors import (
    EXPECTED,
    FileFaultError,
    LeaseLostError,
    RollupMismatchError,
    WorkerStoppingError,
)
from jobs.rollups.refresh import refresh_dirty_ranges

log = structlog.get_logger()

MAX_RETRY_DELAY_SECONDS = 60
WAIT_FOR_REFRESHER_SECONDS = 0.2


async def run_import_job(work: ImportWork, import_id: UUID, retries: int) -> None:
    """Bring the import to its end; raises RetryRequested when the queue shall try again.

    `retries` of this job have been asked for before; each waits longer.
    """
    try:
        await _attempt(work, import_id)
    except LeaseLostError:
        if await work.imports.is_cancelled(import_id):
            log.info("import_cancelled", import_id=str(import_id))
        else:
            log.warning("import_taken_over", import_id=str(import_id))
    except WorkerStoppingError as stopping:
        raise RetryRequested(reason=stopping.message) from stopping
    except (Exception, PanicException) as error:  # a panic is no Exception: it would end the worker
        unexpected = not isinstance(error, EXPECTED)
        log.exception(
            "import_attempt_failed",
            import_id=str(import_id),
            error=repr(error),
            exc_info=unexpected,
        )
        delay = timedelta(seconds=min(2**retries, MAX_RETRY_DELAY_SECONDS))
        raise RetryRequested(delay, reason=repr(error)) from error


async def _attempt(work: ImportWork, import_id: UUID) -> None:
    claim = await work.imports.claim(import_id)
    if claim is None:
        return
    log.info("import_attempt", import_id=str(import_id), attempt=claim.attempt, state=claim.state)
    try:
        with span("import", {"sensorflow.import_id": str(claim.id)}):
            await _bring_to_end(work, claim)
    except ObjectMissingError:
        await _fail(work, claim, _source_missing())
    except ObjectReplacedError:
        await _fail(work, claim, _source_replaced())
    except FileFaultError as fault:
        await _fail(work, claim, fault)
    except WorkerStoppingError:
        await work.imports.release(claim)
        raise


async def _fail(work: ImportWork, claim: Claim, fault: FileFaultError) -> None:
    log.warning("import_failed", import_id=str(claim.id), code=fault.code)
    await work.imports.fail(claim, fault.code, fault.message)


async def _bring_to_end(work: ImportWork, claim: Claim) -> None:
    if claim.tries > work.worker.max_attempts:
        raise _too_many_attempts(work.worker.max_attempts)
    if claim.state is ImportState.LOADING:
        if claim.resubmission is None:
            await load(work, claim)
        else:
            await repair(work, claim, claim.resubmission)
        await work.imports.begin_aggregating(claim)
    await _make_visible(work, claim)
    await work.imports.finish(claim)
    log.info("import_done", import_id=str(claim.id))


async def _make_visible(work: ImportWork, claim: Claim) -> None:
    while not await work.imports.is_visible(claim):
        work.checkpoint()
        if await refresh_dirty_ranges(work.database, work.checkpoint):
            break
        await asyncio.sleep(WAIT_FOR_REFRESHER_SECONDS)
    if not await work.imports.is_visible(claim):
        raise RollupMismatchError("The rollups of the import's range cannot be brought up to date.")


def _source_missing() -> FileFaultError:
    return FileFaultError(
        "source_missing",
        "The import's file is not in the object store any more. Rows loaded until then are kept. "
        "Send the file again.",
    )


def _source_replaced() -> FileFaultError:
    return FileFaultError(
        "source_replaced",
        "Another file was sent to the uploadUrl after the import was completed. Rows loaded until "
        "then are kept. Ask for a new upload and send the file that is meant.",
    )


def _too_many_attempts(max_attempts: int) -> FileFaultError:
    return FileFaultError(
        "too_many_attempts",
        f"The import was tried {max_attempts} times without progress and is given up; the "
        "worker's log says why. Rows loaded until then are kept. Retry it, or split the file.",
    )
