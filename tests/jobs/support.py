"""What the tests of the worker share: an import as the API would leave it, and its outcome."""

import csv
import gzip
import io
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import pytest

from core.database import Connection, Pool, shares_one_session
from core.imports import ImportOptions
from core.queue import enqueue_import
from core.storage import Storage, rejects_folder, source_key
from jobs.csv_import.context import ImportContext
from jobs.csv_import.job import run_import_job

csv.field_size_limit(2**31 - 1)  # a rejected row may be long

HEADER = "equipmentId,timestamp,value\n"
DEFAULT = ImportOptions()
SAMPLE = Path(__file__).parents[2] / "samples" / "nyc-weather-2013.csv.gz"


@dataclass(frozen=True)
class ImportCounts:
    """The counts of an import."""

    read: int = 0
    inserted: int = 0
    replaced: int = 0
    unchanged: int = 0
    skipped: int = 0
    rejected: int = 0


@dataclass(frozen=True)
class Outcome:
    """An import as the API would report it."""

    state: str
    counts: ImportCounts
    error_code: str | None
    error_message: str
    attempt: int
    lines_done: int


async def add_import(
    pool: Pool,
    storage: Storage,
    content: str | bytes,
    extension: str = ".csv",
    options: ImportOptions = DEFAULT,
) -> UUID:
    """Store the file and queue its import, as the API does."""
    import_id = uuid4()
    key = source_key(import_id, extension)
    plain = content.encode() if isinstance(content, str) else content
    await storage.put(key, plain)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "INSERT INTO imports "
            "(id, file_name, object_key, size_bytes, created_by, state, options) "
            "VALUES ($1, 'file.csv', $2, $3, 'tester', 'queued', $4)",
            import_id,
            key,
            len(plain),
            msgspec.json.encode(options).decode(),
        )
        await enqueue_import(connection, import_id)
    return import_id


async def run_import(
    context: ImportContext,
    content: str | bytes,
    extension: str = ".csv",
    options: ImportOptions = DEFAULT,
) -> Outcome:
    """Import the file in this process."""
    import_id = await add_import(context.pool, context.storage, content, extension, options)
    await run_import_job(context, import_id, 0)
    return await outcome_of(context.pool, import_id)


async def outcome_of(pool: Pool, import_id: UUID) -> Outcome:
    row = await pool.fetchrow("SELECT * FROM imports WHERE id = $1", import_id)
    assert row is not None
    counts = ImportCounts(*(row[f"rows_{name}"] for name in ImportCounts.__dataclass_fields__))
    return Outcome(
        row["state"],
        counts,
        row["error_code"],
        row["error_message"] or "",
        row["attempt"],
        row["lines_done"],
    )


async def rejects_of(
    storage: Storage, import_id: UUID, generation: int = 0
) -> list[tuple[int, str, str, str]]:
    """Every rejected line of the import: line, code, column, row."""
    parts = [
        b"".join([chunk async for chunk in storage.read(key)]).decode()
        for key in await storage.keys(rejects_folder(import_id, generation))
    ]
    rows = csv.reader(io.StringIO("".join(parts), newline=""))
    return [(int(line), code, column, row) for line, code, column, row in rows]


async def rows_of(pool: Pool) -> dict[tuple[str, str], float]:
    rows = await pool.fetch("SELECT equipment_id, ts, value FROM readings")
    return {(row["equipment_id"], row["ts"].isoformat()): row["value"] for row in rows}


async def rolled_up(pool: Pool, rollup: str = "readings_1h") -> int:
    """How many readings the rollup knows."""
    total = await pool.fetchval(f"SELECT sum(sample_count)::bigint FROM {rollup}")
    return total or 0


def sample() -> bytes:
    return SAMPLE.read_bytes()


def sample_lines(count: int) -> str:
    """The header of the sample and its first rows."""
    with gzip.open(SAMPLE, "rt") as file:
        return "".join(line for line, _ in zip(file, range(count + 1), strict=False))


async def skip_unless_sessions_wait_for_each_other(connection: Connection) -> None:
    if await shares_one_session(connection):
        await connection.close()
        pytest.skip("this engine has one backend, so no session waits for another's lock")
