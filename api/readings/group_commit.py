"""Group commit: readings that come while a transaction runs share the next one.

A lone reading is written at once; nothing waits for a timer.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

import asyncpg

from api.readings.errors import TooManyReadingsError
from api.readings.metrics import IngestMetrics
from core.readings import Reading
from core.settings import IngestSettings
from core.traces import span

Store: TypeAlias = Callable[[Sequence[Reading]], Awaitable[datetime | None]]

# Faults of the server, which no smaller batch escapes: resources, an operator's doing, the system,
# a standby, missing rights or tables. But one row alone can ask for too much of a limit (53400).
SHARED_STATES = ("53", "57", "58", "25", "42")
ROW_STATE = "53400"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A reading and where its sender waits: for the horizon it lies below, if it does."""

    reading: Reading
    answer: "asyncio.Future[datetime | None]"


@dataclass(slots=True)
class Lane:
    """Readings in the order they came, and the task that writes them while there are any."""

    waiting: deque[Waiting] = field(default_factory=deque)
    writing: "asyncio.Task[None] | None" = None


class GroupCommit:
    """Collects readings into transactions, those of one key in the order they came."""

    def __init__(self, store: Store, settings: IngestSettings, metrics: IngestMetrics) -> None:
        """`store` commits readings of distinct keys, all or none, and returns the horizon."""
        self._store = store
        self._settings = settings
        self._lanes = [Lane() for _ in range(settings.writers)]
        self._metrics = metrics
        self._waiting = 0
        metrics.waiting_readings.set_function(lambda: self._waiting)

    async def save(self, reading: Reading) -> datetime | None:
        """Store the reading, last write wins; committed when this returns.

        A reading below the retention horizon is not stored, and the horizon comes back. Raises
        TooManyReadingsError when too many wait already, else what storing it alone would raise.
        """
        if self._waiting >= self._settings.max_waiting_readings:
            raise TooManyReadingsError
        self._waiting += 1
        try:
            return await self._enter(reading)
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """Return when everything that was accepted is written."""
        await asyncio.gather(*(lane.writing for lane in self._lanes if lane.writing))

    def _enter(self, reading: Reading) -> "asyncio.Future[datetime | None]":
        lane = self._lanes[hash((reading.equipment_id, reading.ts)) % len(self._lanes)]
        answer = asyncio.get_running_loop().create_future()
        lane.waiting.append(Waiting(reading, answer))
        if lane.writing is None or lane.writing.done():
            # In a context of its own: its log lines belong to no single request.
            lane.writing = asyncio.create_task(self._write_all(lane.waiting), context=Context())
        return answer

    async def _write_all(self, waiting: deque[Waiting]) -> None:
        while waiting:
            size = min(len(waiting), self._settings.max_batch_readings)
            await self._write([waiting.popleft() for _ in range(size)])

    async def _write(self, batch: Sequence[Waiting]) -> None:
        """Answer everyone in the batch; a fault that may be one row's is narrowed down to it."""
        (outcome,) = await asyncio.gather(self._stored(batch), return_exceptions=True)
        match outcome:
            case BaseException() if len(batch) > 1 and _may_be_of_one_row(outcome):
                middle = len(batch) // 2
                await self._write(batch[:middle])
                await self._write(batch[middle:])
            case BaseException():
                _refuse(batch, outcome)
            case _:
                _acknowledge(batch, outcome)

    async def _stored(self, batch: Sequence[Waiting]) -> datetime | None:
        readings = _last_of_each_key(batch)
        self._metrics.batch_readings.observe(len(readings))
        with (
            self._metrics.commit_seconds.time(),
            span("save readings", {"sensorflow.readings": len(readings)}),
        ):
            return await self._store(readings)


def _last_of_each_key(batch: Sequence[Waiting]) -> list[Reading]:
    readings = (waiting.reading for waiting in batch)
    return list({(reading.equipment_id, reading.ts): reading for reading in readings}.values())


def _may_be_of_one_row(error: BaseException) -> bool:
    if not isinstance(error, asyncpg.PostgresError):
        return False
    state = str(error.sqlstate)
    return state == ROW_STATE or not state.startswith(SHARED_STATES)


def _acknowledge(batch: Sequence[Waiting], horizon: datetime | None) -> None:
    for waiting in batch:
        if not waiting.answer.done():  # its sender may have gone
            below = horizon is not None and waiting.reading.ts < horizon
            waiting.answer.set_result(horizon if below else None)


def _refuse(batch: Sequence[Waiting], error: BaseException) -> None:
    for waiting in batch:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)
