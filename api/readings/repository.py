from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from asyncpg import LockNotAvailableError

from api.readings.idempotency import KeyedRequest, KeyInUseError, KeyReusedError
from api.readings.writing import Written, columns, write_readings
from core.database import Connection, Pool, borrowed
from core.queries import queries
from core.readings import Reading, ReadingRow
from core.traces import span

# After this silence inside a batch the server ends its transaction.
IDLE_MILLISECONDS = "60000"


class ReadingRepository:
    """Writes readings."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def save(self, readings: Sequence[Reading]) -> datetime | None:
        """Store readings of distinct keys, last write wins; all committed when this returns.

        Returns the retention horizon, if there is one; readings below it are not stored.
        """
        async with borrowed(self._pool) as connection:
            saved = await queries().save_readings(connection, **columns(readings), replace=True)
        horizon: datetime | None = saved["horizon"]
        return horizon

    @asynccontextmanager
    async def batch(self) -> AsyncIterator["BatchTransaction"]:
        """A transaction for many readings, committed when the block ends without an error."""
        with span("save batch"):
            async with borrowed(self._pool) as connection, connection.transaction():
                await queries().prepare_batch_transaction(
                    connection, milliseconds=IDLE_MILLISECONDS
                )
                yield BatchTransaction(connection)


class BatchTransaction:
    """The transaction of a batch."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def horizon(self) -> datetime | None:
        """The retention horizon, if there is one; it cannot move until the transaction ends."""
        horizon: datetime | None = await queries().retention_horizon(self._connection)
        return horizon

    async def write(self, readings: Sequence[ReadingRow], *, replace: bool) -> Written:
        """As write_readings."""
        return await write_readings(self._connection, readings, replace=replace)

    async def stored_response(self, request: KeyedRequest) -> bytes | None:
        """The response stored for this request; None if its key is new, which is locked then.

        Raises KeyInUseError or KeyReusedError.
        """
        names = {"principal": request.principal, "key": request.key}
        try:
            claimed = await queries().claim_idempotency_key(
                self._connection, **names, fingerprint=request.fingerprint
            )
        except LockNotAvailableError as error:
            raise KeyInUseError from error
        if claimed:
            return None
        stored = await queries().stored_response(self._connection, **names)
        if stored["fingerprint"] != request.fingerprint:
            raise KeyReusedError
        response: bytes = stored["answer"]
        return response

    async def store_response(self, request: KeyedRequest, response: bytes) -> None:
        """Store the response to return when the request is repeated."""
        await queries().store_response(
            self._connection,
            principal=request.principal,
            key=request.key,
            response=response,
        )
