"""Every kind of writer of readings, in a transaction of its own."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias
from uuid import UUID, uuid4

import polars as pl

from api.readings.repository import ReadingRepository
from core.database import Pool
from core.queries import queries
from core.readings import OnConflict, Reading
from jobs.csv_import.batch import Batch
from jobs.csv_import.conflicts import store_rows
from jobs.csv_import.ordered_commit import CommitSlot
from jobs.csv_import.staging import stage

Write: TypeAlias = Callable[[Pool, Sequence[Reading]], Awaitable[None]]

SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "equipment_id": pl.String,
    "ts": pl.Datetime("us", "UTC"),
    "value": pl.Float64,
}


async def save_single_readings(pool: Pool, readings: Sequence[Reading]) -> None:
    await ReadingRepository(pool).save(readings)


def api_batch(*, replace: bool) -> Write:
    """A batch or lines of the line protocol."""

    async def write(pool: Pool, readings: Sequence[Reading]) -> None:
        async with ReadingRepository(pool).batch() as batch:
            await batch.write(readings, replace=replace)

    return write


def import_batch(on_conflict: OnConflict, *, expect_new: bool) -> Write:
    """A batch of a file or of resubmitted rejects."""

    async def write(pool: Pool, readings: Sequence[Reading]) -> None:
        frame = pl.DataFrame(readings, SCHEMA, orient="row")
        batch = Batch(
            first_line=2,
            last_line=2,
            size_bytes=0,
            rows_read=frame.height,
            rows_rejected=0,
            rejects=pl.DataFrame(),
            staged=stage(frame),
            warnings=(),
        )
        import_id = await add_import(pool)
        async with pool.acquire() as connection, connection.transaction():
            await queries().prepare_batch_transaction(connection, milliseconds="60000")
            await store_rows(
                connection, import_id, batch, CommitSlot(expect_new=expect_new), on_conflict
            )

    return write


async def add_import(pool: Pool) -> UUID:
    import_id = uuid4()
    await pool.execute(
        "INSERT INTO imports (id, file_name, object_key, size_bytes, created_by, state) "
        "VALUES ($1, 'file.csv', 'key', 0, 'tester', 'loading')",
        import_id,
    )
    return import_id


WRITERS: Mapping[str, Write] = {
    "single readings": save_single_readings,
    "batch that replaces": api_batch(replace=True),
    "batch that skips": api_batch(replace=False),
    "import of new rows": import_batch(OnConflict.REPLACE, expect_new=True),
    "import that merges": import_batch(OnConflict.REPLACE, expect_new=False),
    "import that skips": import_batch(OnConflict.SKIP, expect_new=False),
}
