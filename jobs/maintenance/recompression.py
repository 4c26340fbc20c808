"""Chunks are compressed: again after imports into them, and where the policy leaves them."""

from collections.abc import Callable
from datetime import datetime

import asyncpg
import structlog

from core.database import Connection, Pool, database_errors, open_connection
from core.policies import GUIDE
from core.queries import all_rows, queries
from core.settings import DatabaseSettings
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
            await _compress(connection, range_start, ids)


async def compress_overdue_chunks(
    database: DatabaseSettings, raise_if_stopping: Callable[[], None]
) -> None:
    """Compress the chunks that TimescaleDB's policy should have long since.

    A chunk takes as long as it takes, so this has a connection of its own, without a limit of time.
    """
    with database_errors():
        async with open_connection(database) as connection:
            for chunk in await all_rows(queries().overdue_chunks, connection):
                raise_if_stopping()
                log.warning("chunk_overdue", **_isoformat(chunk), remedy=GUIDE)
                await _compress(connection, chunk["range_start"], [])


def _isoformat(chunk: asyncpg.Record) -> dict[str, str]:
    return {name: moment.isoformat() for name, moment in chunk.items()}


async def _compress(connection: Connection, range_start: datetime, ids: list[int]) -> None:
    milliseconds = str(LOCK_TIMEOUT_MILLISECONDS)
    try:
        async with connection.transaction():
            await queries().set_lock_timeout(connection, milliseconds=milliseconds)
            await queries().compress_chunk(connection, range_start=range_start)
            await queries().delete_decompressed_chunks(connection, ids=ids)
    except CONCURRENCY_ERRORS:
        log.info("chunk_in_use", range_start=range_start.isoformat())
