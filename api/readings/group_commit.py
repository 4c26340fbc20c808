"""Group commit: readings that arrive while a transaction runs share the next one.

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

Save: TypeAlias = Callable[[Sequence[Reading]], Awaitable[datetime | None]]

# SQLSTATE classes of faults that a smaller batch would meet, too: insufficient resources, operator
# intervention, system errors, a read-only standby, missing rights or tables. But one row alone may
# exceed a configured limit (53400).
SERVER_FAULT_STATES = ("53", "57", "58", "25", "42")
ROW_FAULT_STATE = "53400"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A reading and the future of its sender: the horizon if it lies below that, else None."""

    reading: Reading
    outcome: "asyncio.Future[datetime | None]"


@dataclass(slots=True)
class Lane:
    """Readings in order of arrival, and the task that writes them while there are any."""

    queue: deque[Waiting] = field(default_factory=deque)
    writer: "asyncio.Task[None] | None" = None


class GroupCommit:
    """Collects readings into transactions; those of one key are written in order of arrival."""

    def __init__(self, save: Save, settings: IngestSettings, metrics: IngestMetrics) -> None:
        """`save` commits readings of distinct keys, all or none, and returns the horizon."""
        self._save_all = save
        self._settings = settings
        self._lanes = [Lane() for _ in range(settings.writers)]
        self._metrics = metrics
        self._waiting = 0
        metrics.waiting_readings.set_function(lambda: self._waiting)

    async def save(self, reading: Reading) -> datetime | None:
        """Store the reading, last write wins; committed when this returns.

        Returns the retention horizon if the reading lies below it and so was not stored. Raises
        TooManyReadingsError when too many wait already, else what storing it alone would raise.
        """
        if self._waiting >= self._settings.max_waiting_readings:
            raise TooManyReadingsError
        self._waiting += 1
        try:
            return await self._enqueue(reading)
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """Return when everything that was accepted is written."""
        await asyncio.gather(*(lane.writer for lane in self._lanes if lane.writer))

    def _enqueue(self, reading: Reading) -> "asyncio.Future[datetime | None]":
        lane = self._lanes[hash((reading.equipment_id, reading.ts)) % len(self._lanes)]
        outcome = asyncio.get_running_loop().create_future()
        lane.queue.append(Waiting(reading, outcome))
        if lane.writer is None or lane.writer.done():
            # In a context of its own: its log lines belong to no single request.
            lane.writer = asyncio.create_task(self._drain(lane.queue), context=Context())
        return outcome

    async def _drain(self, queue: deque[Waiting]) -> None:
        while queue:
            size = min(len(queue), self._settings.max_batch_readings)
            await self._write([queue.popleft() for _ in range(size)])

    async def _write(self, batch: Sequence[Waiting]) -> None:
        """Resolve every future of the batch; halve it while one of its rows may be at fault."""
        (outcome,) = await asyncio.gather(self._commit(batch), return_exceptions=True)
        match outcome:
            case BaseException() if len(batch) > 1 and _may_be_caused_by_one_row(outcome):
                middle = len(batch) // 2
                await self._write(batch[:middle])
                await self._write(batch[middle:])
            case BaseException():
                _reject(batch, outcome)
            case _:
                _acknowledge(batch, outcome)

    async def _commit(self, batch: Sequence[Waiting]) -> datetime | None:
        readings = _last_of_each_key(batch)
        self._metrics.batch_readings.observe(len(readings))
        with (
            self._metrics.commit_seconds.time(),
            span("save readings", {"sensorflow.readings": len(readings)}),
        ):
            return await self._save_all(readings)


def _last_of_each_key(batch: Sequence[Waiting]) -> list[Reading]:
    readings = (waiting.reading for waiting in batch)
    return list({(reading.equipment_id, reading.ts): reading for reading in readings}.values())


def _may_be_caused_by_one_row(error: BaseException) -> bool:
    if not isinstance(error, asyncpg.PostgresError):
        return False
    state = str(error.sqlstate)
    return state == ROW_FAULT_STATE or not state.startswith(SERVER_FAULT_STATES)


def _acknowledge(batch: Sequence[Waiting], horizon: datetime | None) -> None:
    for waiting in batch:
        if not waiting.outcome.done():  # its request may have been cancelled
            is_below = horizon is not None and waiting.reading.ts < horizon
            waiting.outcome.set_result(horizon if is_below else None)


def _reject(batch: Sequence[Waiting], error: BaseException) -> None:
    for waiting in batch:
        if not waiting.outcome.done():
            waiting.outcome.set_exception(error)
