"""Uploads that never came to an end, and the objects that nobody needs because of them."""

import re
from datetime import timedelta

import structlog

from core.database import Pool
from core.queries import queries
from core.storage import IMPORTS_FOLDER, Storage
from core.time import utc_now

log = structlog.get_logger()

# What is younger may be an upload under way, or one whose import is just being committed.
SAFE_AGE = timedelta(days=1)

OURS = re.compile(rf"{IMPORTS_FOLDER}/[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}/.+")


async def expire_uploads(pool: Pool) -> None:
    """End the imports whose file was announced so long ago that it will not come any more."""
    await queries().expire_uploads(pool, seconds=SAFE_AGE.total_seconds())


async def sweep_orphans(pool: Pool, storage: Storage) -> None:
    """Remove old objects that no import needs, and what uploads that died left in a folder.

    Raises StorageError; the next sweep goes on.
    """
    before = utc_now() - SAFE_AGE
    removed = await storage.delete_partial_files(before)
    async for keys in storage.keys_stored_before(before, IMPORTS_FOLDER):
        ours = [key for key in keys if OURS.fullmatch(key)]
        orphans = [row["key"] async for row in queries().orphans_among(pool, keys=ours)]
        await storage.delete(orphans)
        removed += len(orphans)
    if removed:
        log.info("orphans_removed", objects=removed)
