"""Batches: one transaction each, a few at a time; more than may wait are refused."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter

from asyncpg.exceptions import DeadlockDetectedError
from msgspec.json import decode, encode

from api.http.problem_details import RejectedBatchError
from api.readings.errors import TooManyReadingsError, conflict
from api.readings.idempotency import KeyedRequest
from api.readings.metrics import IngestMetrics
from api.readings.repository import BatchTransaction, ReadingRepository
from api.readings.schemas import Account
from api.readings.validated_rows import ValidatedRows
from api.readings.writing import Written
from core.readings import OnConflict
from core.settings import IngestSettings

MAX_ATTEMPTS = 5


class Mode(StrEnum):
    """Whether one bad row rejects the whole batch, or the good rows are stored."""

    ATOMIC = "atomic"
    PARTIAL = "partial"


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """How a batch is to be stored."""

    mode: Mode = Mode.ATOMIC
    on_conflict: OnConflict = OnConflict.REPLACE


class BatchWriter:
    """Writes validated rows, all or the good ones of them."""

    def __init__(
        self, repository: ReadingRepository, settings: IngestSettings, metrics: IngestMetrics
    ) -> None:
        self._repository = repository
        self._max_waiting = settings.max_waiting_batches
        self._semaphore = asyncio.Semaphore(settings.batch_writers)
        self._metrics = metrics
        self._waiting = 0
        metrics.waiting_batches.set_function(lambda: self._waiting)

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Count a batch as waiting while it is read and written; raises TooManyReadingsError."""
        if self._waiting >= self._max_waiting:
            raise TooManyReadingsError
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    async def write(
        self, rows: ValidatedRows, options: BatchOptions, request: KeyedRequest | None = None
    ) -> Account:
        """Store the readings, which `rows` has no more then; committed when this returns.

        A repeated `request` is not executed again and returns the stored account. Raises
        RejectedBatchError in atomic mode when any row is bad, RowsMissingError, KeyInUseError or
        KeyReusedError, and then nothing is stored.
        """
        try:
            _require_all_if_atomic(rows, options)
            async with self._semaphore:
                return await self._retrying_deadlocks(rows, options, request)
        except RejectedBatchError as error:
            self._count_rejected(error.codes)
            raise
        finally:
            await rows.release()

    async def _retrying_deadlocks(
        self, rows: ValidatedRows, options: BatchOptions, request: KeyedRequest | None
    ) -> Account:
        """Write, again if the server rolled it back.

        All our writers lock rows in one order, but not the chunks that they create, and other
        programs may write as well.
        """
        for _ in range(MAX_ATTEMPTS - 1):
            try:
                return await self._write(rows, options, request)
            except DeadlockDetectedError:
                continue
        return await self._write(rows, options, request)

    async def _write(
        self, rows: ValidatedRows, options: BatchOptions, request: KeyedRequest | None
    ) -> Account:
        self._metrics.batch_readings.observe(len(rows.readings))
        with self._metrics.commit_seconds.time():
            async with self._repository.batch() as batch:
                if request and (response := await batch.stored_response(request)):
                    return decode(response, type=Account)
                rows, written = await _write_rows(batch, rows, options)
                account = _account(rows, written, options)
                if request:
                    await batch.store_response(request, encode(account))
        self._count_rejected(rows.codes)
        return account

    def _count_rejected(self, codes: Mapping[str, int]) -> None:
        for code, readings in codes.items():
            self._metrics.count_rejected(code, readings)


async def _write_rows(
    batch: BatchTransaction, rows: ValidatedRows, options: BatchOptions
) -> tuple[ValidatedRows, Written]:
    """The rows, with those that the database's state rejects rejected, and what was written."""
    rows = _require_all_if_atomic(await rows.rejecting_below(await batch.horizon()), options)
    replace = options.on_conflict is OnConflict.REPLACE
    written = await batch.write(rows.readings, replace=replace)
    if options.on_conflict is OnConflict.ERROR:
        rows = _require_all_if_atomic(
            await rows.rejecting(written.conflicting, conflict()), options
        )
    return rows, written


def _account(rows: ValidatedRows, written: Written, options: BatchOptions) -> Account:
    skipped = len(written.conflicting) if options.on_conflict is OnConflict.SKIP else 0
    return Account(
        read=rows.read,
        inserted=written.inserted,
        replaced=written.replaced,
        unchanged=written.unchanged,
        skipped=skipped,
        rejected=rows.rejected,
        errors=sorted(rows.problems, key=attrgetter("index")),
    )


def _require_all_if_atomic(rows: ValidatedRows, options: BatchOptions) -> ValidatedRows:
    if options.mode is Mode.ATOMIC:
        rows.require_all()
    return rows
