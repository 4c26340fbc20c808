"""COPY of readings that are assumed to be new, undone where one of them is not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from asyncpg.exceptions import LockNotAvailableError, UniqueViolationError

from core.database import Connection
from core.queries import queries


class NotAllNewError(Exception):
    """A key is stored already, or another transaction is writing it; nothing was copied."""


@asynccontextmanager
async def optimistic_copy(connection: Connection) -> AsyncIterator[None]:
    """A savepoint for a COPY into readings, inside a transaction. Raises NotAllNewError.

    All other writers lock rows in key order. A COPY cannot: TimescaleDB collects up to 1,000 of its
    rows and then writes them chunk by chunk, in no order of chunks. So a COPY does not wait for
    another writer's row: it gives up, long before the server looks for a deadlock.
    """
    await queries().begin_copy(connection)
    try:
        yield
    except (UniqueViolationError, LockNotAvailableError) as error:
        await queries().undo_copy(connection)
        raise NotAllNewError from error
    await queries().end_copy(connection)
