"""Columnstore chunks that imports have written to are compressed again."""

from datetime import datetime

import structlog

from core.database import Connection, Pool
from core.queries import queries
from jobs.errors import CONCURRENCY_ERRORS

log = structlog.get_logger()

LOCK_TIMEOUT_MILLISECONDS = 200  # writers to the chunk queue behind a lock that is waited for


async def recompress_chunks(pool: Pool) -> None:
    """Compress each chunk in a transaction of its own.

    A chunk that another session is writing to is left for the next run, and so are the chunks of
    an import that is still loading.
    """
    async with pool.acquire() as connection:
        chunks = [
            (row["range_start"], row["ids"])
            async for row in queries().decompressed_chunks(connection)
        ]
        for range_start, ids in chunks:
            await _recompress(connection, range_start, ids)


async def _recompress(connection: Connection, range_start: datetime, ids: list[int]) -> None:
    milliseconds = str(LOCK_TIMEOUT_MILLISECONDS)
    try:
        async with connection.transaction():
            await queries().set_lock_timeout(connection, milliseconds=milliseconds)
            await queries().recompress_chunk(connection, range_start=range_start)
            await queries().delete_decompressed_chunks(connection, ids=ids)
    except CONCURRENCY_ERRORS:
        log.info("chunk_in_use", range_start=range_start.isoformat())
