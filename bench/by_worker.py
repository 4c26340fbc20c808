"""Imports as they are used: handed to a running worker through the queue, and waited for."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

from core.database import Pool
from core.imports import FINAL_STATES, ImportState
from core.queue import enqueue_import

QUEUED = """
INSERT INTO imports (id, file_name, object_key, size_bytes, created_by, state)
VALUES ($1, 'bench', $2, 0, 'bench', 'queued')
"""
REACHED = """
SELECT
    extract(epoch FROM progress_at - created_at)::float AS loaded,
    extract(epoch FROM finished_at - created_at)::float AS visible
FROM imports WHERE id = $1
"""
STATE = "SELECT state FROM imports WHERE id = $1"
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Took:
    """Seconds from the queue until the last batch was stored, and until its rows were visible."""

    loaded: float
    visible: float


async def import_object(pool: Pool, import_id: UUID, key: str) -> Took:
    """Have the stored object imported; the times are those that the import records.

    Raises RuntimeError when it does not end as done.
    """
    await _queue(pool, import_id, key)
    while (state := await pool.fetchval(STATE, import_id)) not in FINAL_STATES:  # noqa: ASYNC110
        await asyncio.sleep(POLL_SECONDS)  # the worker, another process, changes the state
    if state != ImportState.DONE:
        raise RuntimeError(f"the import ended as {state}")
    return Took(**dict(await pool.fetchrow(REACHED, import_id) or {}))


async def _queue(pool: Pool, import_id: UUID, key: str) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(QUEUED, import_id, key)
        await enqueue_import(connection, import_id)
