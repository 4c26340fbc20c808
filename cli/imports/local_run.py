"""An import that this process runs as a worker would, whether workers are running or not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import count
from uuid import UUID

from pgqueuer.domain.errors import RetryRequested

from api.imports.errors import ImportStateError
from api.imports.schemas import Import
from api.imports.service import ImportService
from cli.imports.display import Display
from cli.imports.errors import RetriesExhaustedError
from core.errors import DatabaseUnavailableError
from core.imports import FINAL_STATES
from core.queries import queries
from jobs.csv_import.context import ImportContext
from jobs.csv_import.job import run_import_job
from jobs.maintenance.periodic import run_periodically

POLL_SECONDS = 0.5
MAX_RETRIES = 6  # within two minutes: each waits twice as long as the one before


@dataclass(frozen=True, slots=True)
class LocalRun:
    """The run of one import.

    Its job is in the queue and postponed again and again: workers leave it alone while this
    process lives, and run it when this process dies.
    """

    context: ImportContext
    imports: ImportService
    import_id: UUID
    display: Display

    @property
    def lease(self) -> timedelta:
        """For how long the job is postponed; after it a worker takes the import over."""
        return timedelta(seconds=self.context.worker.lease_seconds)

    async def run_to_completion(self) -> Import:
        """The import in its final state. Raises RetriesExhaustedError.

        Cancelled, it cancels the import, which ends after the current batch.
        """
        attempts = asyncio.create_task(self._run_with_retries())
        try:
            async with self._job_postponed():
                return await self._wait_until_final(attempts)
        except asyncio.CancelledError:
            await self._cancel(attempts)
            raise

    async def _run_with_retries(self) -> None:
        """Run the job as a worker and its queue do."""
        for retries in count():
            try:
                await run_import_job(self.context, self.import_id, retries)
            except RetryRequested as retry:
                if retries == MAX_RETRIES or self.context.stop.is_set():
                    raise self._retries_exhausted(retry) from retry
                seconds = retry.delay.total_seconds()
                self.display.notify(f"{retry.reason}; trying again in {seconds:.0f} s")
                await asyncio.sleep(seconds)
            else:
                return

    async def _wait_until_final(self, attempts: "asyncio.Task[None]") -> Import:
        """The import in its final state, whether this process or a worker has brought it there."""
        while True:
            await asyncio.wait((attempts,), timeout=POLL_SECONDS)
            if attempts.done():
                attempts.result()
            with suppress(DatabaseUnavailableError):
                current = await self.imports.get(self.import_id)
                self.display.show_import(current)
                if current.state in FINAL_STATES:
                    await queries().delete_import_job(self.context.pool, import_id=self.import_id)
                    return current
            if attempts.done():
                await asyncio.sleep(POLL_SECONDS)

    @asynccontextmanager
    async def _job_postponed(self) -> AsyncIterator[None]:
        postpone = partial(self._postpone_job, self.lease)
        postponing = asyncio.create_task(
            run_periodically(self.lease.total_seconds() / 3, self.context.stop, postpone)
        )
        try:
            yield
        finally:
            postponing.cancel()

    async def _postpone_job(self, delay: timedelta) -> None:
        await queries().postpone_import_job(
            self.context.pool, import_id=self.import_id, delay=delay
        )

    async def _cancel(self, attempts: "asyncio.Task[None]") -> None:
        with suppress(ImportStateError, DatabaseUnavailableError):
            await self.imports.cancel(self.import_id)
        self.context.stop.set()
        await asyncio.wait((attempts,))
        await self._postpone_job(timedelta())

    def _retries_exhausted(self, retry: RetryRequested) -> RetriesExhaustedError:
        return RetriesExhaustedError(
            f"{retry.reason}. A worker goes on with import {self.import_id}; importing the file "
            "again is harmless."
        )
