"""Batches: each is one transaction, a few at a time, and no more under way than are kept."""

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
from api.readings.received import Received
from api.readings.repository import Batch, ReadingRepository
from api.readings.schemas import Account
from api.readings.writing import Written
from core.readings import OnConflict
from core.settings import IngestSettings

ATTEMPTS = 5


class Mode(StrEnum):
    """Whether a bad row keeps the good ones from being stored."""

    ATOMIC = "atomic"
    PARTIAL = "partial"


@dataclass(frozen=True, slots=True)
class BatchRules:
    """How a batch is to be stored."""

    mode: Mode = Mode.ATOMIC
    on_conflict: OnConflict = OnConflict.REPLACE


class BatchWriter:
    """Writes what was received, all or what is good of it."""

    def __init__(
        self, repository: ReadingRepository, settings: IngestSettings, metrics: IngestMetrics
    ) -> None:
        self._repository = repository
        self._max_waiting = settings.max_waiting_batches
        self._turns = asyncio.Semaphore(settings.batch_writers)
        self._metrics = metrics
        self._waiting = 0
        metrics.waiting_batches.set_function(lambda: self._waiting)

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """A place for a batch while it is read and written; raises TooManyReadingsError."""
        if self._waiting >= self._max_waiting:
            raise TooManyReadingsError
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    async def write(
        self, received: Received, rules: BatchRules, request: KeyedRequest | None = None
    ) -> Account:
        """Store the readings; committed when this returns.

        A `request` that came before is not carried out again, and its account is that of then.
        Raises RejectedBatchError in atomic mode when any row is bad, RowsMissingError,
        KeyInUseError or KeyReusedError, and then nothing is stored.
        """
        try:
            _checked(received, rules)
            async with self._turns:
                return await self._outlasting_deadlocks(received, rules, request)
        except RejectedBatchError as refusal:
            self._count_rejected(refusal.codes)
            raise

    async def _outlasting_deadlocks(
        self, received: Received, rules: BatchRules, request: KeyedRequest | None
    ) -> Account:
        """Repeat what the server ended: others write the same keys in other orders."""
        for _ in range(ATTEMPTS - 1):
            try:
                return await self._write(received, rules, request)
            except DeadlockDetectedError:
                continue
        return await self._write(received, rules, request)

    async def _write(
        self, received: Received, rules: BatchRules, request: KeyedRequest | None
    ) -> Account:
        self._metrics.batch_readings.observe(len(received.readings))
        with self._metrics.commit_seconds.time():
            async with self._repository.batch() as batch:
                if request and (earlier := await batch.earlier_answer(request)):
                    return decode(earlier, type=Account)
                received, written = await _written(batch, received, rules)
                account = _account(received, written, rules)
                if request:
                    await batch.keep(request, encode(account))
        self._count_rejected(received.codes)
        return account

    def _count_rejected(self, codes: Mapping[str, int]) -> None:
        for code, readings in codes.items():
            self._metrics.count_rejected(code, readings)


async def _written(batch: Batch, received: Received, rules: BatchRules) -> tuple[Received, Written]:
    """What was received, with all that the database made it reject, and what was stored."""
    received = _checked(received.above(await batch.horizon()), rules)
    replace = rules.on_conflict is OnConflict.REPLACE
    written = await batch.write(received.readings, replace=replace)
    if rules.on_conflict is OnConflict.ERROR:
        received = _checked(received.without(written.kept_back, conflict()), rules)
    return received, written


def _account(received: Received, written: Written, rules: BatchRules) -> Account:
    skipped = len(written.kept_back) if rules.on_conflict is OnConflict.SKIP else 0
    return Account(
        read=received.read,
        inserted=written.inserted,
        replaced=written.replaced,
        unchanged=written.unchanged,
        skipped=skipped,
        rejected=received.rejected,
        errors=sorted(received.problems, key=attrgetter("index")),
    )


def _checked(received: Received, rules: BatchRules) -> Received:
    if rules.mode is Mode.ATOMIC:
        received.require_all()
    return received
