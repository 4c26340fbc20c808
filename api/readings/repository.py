from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from asyncpg import LockNotAvailableError

from api.readings.idempotency import KeyedRequest, KeyInUseError, KeyReusedError
from api.readings.writing import Written, columns, write_readings
from core.database import Connection, Pool, borrowed
from core.queries import queries
from core.readings import Reading
from core.traces import span

# After this silence inside a batch the server ends its transaction.
IDLE_MILLISECONDS = "60000"


class ReadingRepository:
    """Writes readings."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def save(self, readings: Sequence[Reading]) -> datetime | None:
        """Store readings of distinct keys, last write wins; all committed when this returns.

        Those below the retention horizon, which comes back, are not stored.
        """
        async with borrowed(self._pool) as connection:
            saved = await queries().save_readings(connection, **columns(readings), replace=True)
        horizon: datetime | None = saved["horizon"]
        return horizon

    @asynccontextmanager
    async def batch(self) -> AsyncIterator["Batch"]:
        """A transaction for many readings, committed when the block ends without an error."""
        with span("save batch"):
            async with borrowed(self._pool) as connection, connection.transaction():
                await queries().prepare_batch_transaction(
                    connection, milliseconds=IDLE_MILLISECONDS
                )
                yield Batch(connection)


class Batch:
    """The transaction of a batch."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def horizon(self) -> datetime | None:
        """The moment below which nothing is accepted; it stays until the transaction ends."""
        horizon: datetime | None = await queries().retention_horizon(self._connection)
        return horizon

    async def write(self, readings: Sequence[Reading], *, replace: bool) -> Written:
        """As write_readings."""
        return await write_readings(self._connection, readings, replace=replace)

    async def earlier_answer(self, request: KeyedRequest) -> bytes | None:
        """What the request was answered before; None: it is new, and no other has its key.

        Raises KeyInUseError or KeyReusedError.
        """
        names = {"principal": request.principal, "key": request.key}
        try:
            claimed = await queries().claim_request(
                self._connection, **names, fingerprint=request.fingerprint
            )
        except LockNotAvailableError as error:
            raise KeyInUseError from error
        if claimed:
            return None
        kept = await queries().kept_answer(self._connection, **names)
        if kept["fingerprint"] != request.fingerprint:
            raise KeyReusedError
        answer: bytes = kept["answer"]
        return answer

    async def keep(self, request: KeyedRequest, answer: bytes) -> None:
        """Keep the answer for when the request comes again."""
        await queries().keep_answer(
            self._connection,
            principal=request.principal,
            key=request.key,
            answer=answer,
        )
