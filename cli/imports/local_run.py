"""An import that this process brings to its end, as a worker would, beside whatever workers."""

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
from cli.imports.errors import GivenUpError
from core.errors import DatabaseUnavailableError
from core.imports import FINAL_STATES
from core.queries import queries
from jobs.csv_import.context import ImportWork
from jobs.csv_import.job import run_import_job
from jobs.maintenance.periodic import every

LOOK_EVERY_SECONDS = 0.5
RETRIES = 6  # two minutes, each waiting twice as long as the one before


@dataclass(frozen=True, slots=True)
class LocalRun:
    """The run of one import.

    Its job is in the queue, put off again and again: workers leave it alone while this process
    lives, and take it up when it dies.
    """

    work: ImportWork
    imports: ImportService
    import_id: UUID
    display: Display

    @property
    def lease(self) -> timedelta:
        """After this silence of ours a worker takes the import up."""
        return timedelta(seconds=self.work.worker.lease_seconds)

    async def to_its_end(self) -> Import:
        """The import in its final state. Raises GivenUpError.

        Cancelled, it cancels the import, which ends after the batch at hand.
        """
        attempts = asyncio.create_task(self._attempts())
        try:
            async with self._held():
                return await self._followed(attempts)
        except asyncio.CancelledError:
            await self._cancel(attempts)
            raise

    async def _attempts(self) -> None:
        """What a worker does with the job, and does again if it goes wrong."""
        for retries in count():
            try:
                await run_import_job(self.work, self.import_id, retries)
            except RetryRequested as again:
                if retries == RETRIES or self.work.stop.is_set():
                    raise self._given_up(again) from again
                seconds = again.delay.total_seconds()
                self.display.tell(f"{again.reason}; trying again in {seconds:.0f} s")
                await asyncio.sleep(seconds)
            else:
                return

    async def _followed(self, attempts: "asyncio.Task[None]") -> Import:
        """The import in its final state, brought there by us or by who took it over from us."""
        while True:
            await asyncio.wait((attempts,), timeout=LOOK_EVERY_SECONDS)
            if attempts.done():
                attempts.result()
            with suppress(DatabaseUnavailableError):
                current = await self.imports.get(self.import_id)
                self.display.at(current)
                if current.state in FINAL_STATES:
                    await queries().withdraw_import_job(self.work.pool, import_id=self.import_id)
                    return current
            if attempts.done():
                await asyncio.sleep(LOOK_EVERY_SECONDS)

    @asynccontextmanager
    async def _held(self) -> AsyncIterator[None]:
        put_off = partial(self._put_off, self.lease)
        holding = asyncio.create_task(
            every(self.lease.total_seconds() / 3, self.work.stop, put_off)
        )
        try:
            yield
        finally:
            holding.cancel()

    async def _put_off(self, delay: timedelta) -> None:
        await queries().put_off_import_job(self.work.pool, import_id=self.import_id, delay=delay)

    async def _cancel(self, attempts: "asyncio.Task[None]") -> None:
        with suppress(ImportStateError, DatabaseUnavailableError):
            await self.imports.cancel(self.import_id)
        self.work.stop.set()
        await asyncio.wait((attempts,))
        await self._put_off(timedelta())

    def _given_up(self, again: RetryRequested) -> GivenUpError:
        return GivenUpError(
            f"{again.reason}. A worker goes on with import {self.import_id}; importing the file "
            "again is harmless."
        )
