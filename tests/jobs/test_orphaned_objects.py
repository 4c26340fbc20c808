"""Uploads that are never completed expire, and only objects that no import needs are deleted."""

import os
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from core.database import Pool
from core.settings import StorageSettings
from core.storage import Storage, rejects_folder, source_key
from jobs.csv_import.context import ImportContext
from jobs.csv_import.job import run_import_job
from jobs.maintenance.orphaned_objects import GRACE_PERIOD, delete_orphaned_objects, expire_uploads
from tests.jobs.support import HEADER, add_import, outcome_of

OLD = GRACE_PERIOD + timedelta(minutes=1)
YOUNG = GRACE_PERIOD - timedelta(minutes=1)


@pytest.fixture
def folder(storage_settings: StorageSettings) -> Path:
    return Path(storage_settings.url)


async def add_awaiting(pool: Pool, object_key: str, age: timedelta) -> UUID:
    import_id: UUID = await pool.fetchval(
        """
        INSERT INTO imports (
            id, file_name, object_key, size_bytes, created_by, state, uploaded_at, created_at
        )
        VALUES ($1, 'a.csv', $2, 1, 'tester', 'awaiting_upload', NULL, now() - $3::interval)
        RETURNING id
        """,
        UUID(object_key.split("/")[1]),
        object_key,
        age,
    )
    return import_id


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def make_old(folder: Path, age: timedelta = OLD) -> None:
    """Set back the modification time of everything in the storage."""
    for path in folder.rglob("*"):
        modified_at = path.stat().st_mtime - age.total_seconds()
        os.utime(path, (modified_at, modified_at))


async def test_an_upload_that_was_not_completed_in_time_fails_and_no_other_import_does(
    pool: Pool, storage: Storage
) -> None:
    late = await add_awaiting(pool, source_key(uuid4(), ".csv"), OLD)
    early = await add_awaiting(pool, source_key(uuid4(), ".csv"), YOUNG)
    queued = await add_import(pool, storage, HEADER)
    await pool.execute("UPDATE imports SET created_at = '2020-01-01' WHERE id = $1", queued)
    await expire_uploads(pool)
    expired = await outcome_of(pool, late)
    assert (expired.state, expired.error_code) == ("failed", "upload_expired")
    assert "new upload" in expired.error_message
    assert (await outcome_of(pool, early)).state == "awaiting_upload"
    assert (await outcome_of(pool, queued)).state == "queued"


@pytest.mark.parametrize("state", ["queued", "loading", "done", "failed", "cancelled"])
async def test_objects_that_an_import_names_are_never_deleted(
    context: ImportContext, pool: Pool, storage: Storage, folder: Path, state: str
) -> None:
    import_id = await add_import(pool, storage, HEADER + "a,b,c\n")
    await storage.put(f"{rejects_folder(import_id)}/000000000002.csv", b"2,x,y,z\n")
    error = "x" if state == "failed" else None
    await pool.execute(
        "UPDATE imports SET state = $1, error_code = $2, error_message = $2", state, error
    )
    make_old(folder)
    await delete_orphaned_objects(context.pool, storage)
    assert len(await storage.keys("imports")) == 2


async def test_objects_that_no_import_needs_are_deleted_when_old(
    pool: Pool, storage: Storage, folder: Path
) -> None:
    import_id = await add_import(pool, storage, HEADER)
    waiting, given_up = source_key(uuid4(), ".csv"), source_key(uuid4(), ".csv")
    await add_awaiting(pool, waiting, YOUNG)
    await add_awaiting(pool, given_up, OLD)
    await expire_uploads(pool)
    orphans = [
        source_key(uuid4(), ".csv.gz"),  # of an upload that was never recorded
        source_key(import_id, ".csv", uuid4()),  # sent twice
        given_up,
        f"{rejects_folder(uuid4())}/000000000002.csv",
    ]
    foreign = ["elsewhere/a.csv", "imports/readme.txt", "imports/not-an-id/a.csv"]
    for key in (waiting, *orphans, *foreign):
        await storage.put(key, b"x")
    (folder / f"{orphans[0]}#1").write_bytes(b"torn")
    before = files_in(folder)

    make_old(folder, YOUNG)
    await delete_orphaned_objects(pool, storage)
    assert files_in(folder) == before

    make_old(folder)
    await delete_orphaned_objects(pool, storage)
    assert files_in(folder) == {source_key(import_id, ".csv"), waiting, *foreign}


async def test_an_import_whose_file_is_gone_fails_at_once_and_keeps_what_it_has_loaded(
    context: ImportContext, pool: Pool, storage: Storage
) -> None:
    import_id = await add_import(pool, storage, HEADER + "a,2024-01-01T00:00:00Z,1\n")
    await storage.delete([source_key(import_id, ".csv")])
    await run_import_job(context, import_id, 0)
    outcome = await outcome_of(pool, import_id)
    assert (outcome.state, outcome.error_code, outcome.attempt) == ("failed", "source_missing", 1)
    assert "Send the file again" in outcome.error_message
