"""Uploads that were never completed, and stored objects that no import needs."""

import re
from datetime import timedelta

import structlog

from core.database import Pool
from core.import_transitions import apply
from core.imports import ImportFault, Transition
from core.queries import queries
from core.storage import IMPORTS_FOLDER, Storage
from core.time import utc_now

log = structlog.get_logger()

# A younger object may belong to an upload in progress or to an import that is being committed.
GRACE_PERIOD = timedelta(days=1)

OBJECT_KEY = re.compile(rf"{IMPORTS_FOLDER}/[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}/.+")


async def expire_uploads(pool: Pool) -> None:
    """Fail the imports whose file was announced, but not completed within the grace period."""
    await apply(
        Transition.EXPIRE_UPLOADS,
        pool,
        seconds=GRACE_PERIOD.total_seconds(),
        error_code=ImportFault.UPLOAD_EXPIRED,
    )


async def delete_orphaned_objects(pool: Pool, storage: Storage) -> None:
    """Delete old objects that no import needs, and partial files of interrupted uploads.

    Raises StorageError; the next run continues.
    """
    before = utc_now() - GRACE_PERIOD
    removed = await storage.delete_partial_files(before)
    async for keys in storage.keys_stored_before(before, IMPORTS_FOLDER):
        ours = [key for key in keys if OBJECT_KEY.fullmatch(key)]
        orphans = [row["key"] async for row in queries().orphaned_objects(pool, keys=ours)]
        await storage.delete(orphans)
        removed += len(orphans)
    if removed:
        log.info("orphans_removed", objects=removed)
