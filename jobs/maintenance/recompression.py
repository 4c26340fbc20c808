"""Chunks that imports have written to are taken wholly into the columnstore again."""

from datetime import datetime

import structlog

from core.database import Connection, Pool
from core.queries import queries
from jobs.errors import CONFLICTS

log = structlog.get_logger()

LOCK_MILLISECONDS = 200  # as long may a writer to the chunk be held up by one who waits for it


async def compress_opened_chunks(pool: Pool) -> None:
    """Compress each in a transaction of its own.

    One that somebody is writing to is left for the next time, and so are those of an import that is
    still loading.
    """
    async with pool.acquire() as connection:
        opened = [
            (row["range_start"], row["ids"]) async for row in queries().opened_chunks(connection)
        ]
        for range_start, ids in opened:
            await _compress(connection, range_start, ids)


async def _compress(connection: Connection, range_start: datetime, ids: list[int]) -> None:
    try:
        async with connection.transaction():
            await queries().bound_lock_waits(connection, milliseconds=str(LOCK_MILLISECONDS))
            await queries().compress_chunk(connection, range_start=range_start)
            await queries().forget_opened_chunks(connection, ids=ids)
    except CONFLICTS:
        log.info("chunk_in_use", range_start=range_start.isoformat())
