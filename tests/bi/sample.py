"""The demo's sample in the database, as `sensorflow demo` and its administrator leave it."""

from collections.abc import Collection, Iterable
from datetime import datetime
from functools import cache
from uuid import uuid4

from cli.demo.descriptions import description
from cli.demo.sample import SampleRow, read_sample, replay_until
from core.database import Pool

DESCRIBE = """
    INSERT INTO equipment (id, name, unit, location, zone, expected_period_seconds)
    VALUES ($1, $2, $3, $4, $5, $6)
"""
ADD_IMPORT = """
    INSERT INTO imports (
        id, file_name, object_key, size_bytes, created_by, state, options, error_code,
        error_message, started_at, finished_at
    )
    VALUES ($1, $2, 'key', 10, 'tester', $3, '{}', nullif($3, 'done'), nullif($3, 'done'), $4, $4)
"""


@cache
def _rows() -> list[SampleRow]:
    return read_sample()


async def load_year(pool: Pool, ids: Collection[str]) -> None:
    """These series, a year of hours each."""
    await _load(pool, [row for row in _rows() if row.equipment_id in ids])


async def load_replay(pool: Pool, now: datetime, ids: Collection[str]) -> None:
    """These series of the replay: 35 days of hours up to now."""
    await _load(pool, [row for row in replay_until(now, _rows()) if row.equipment_id in ids])


async def add_import(pool: Pool, file_name: str, state: str, finished_at: datetime) -> None:
    """An import that is `done`, or `failed` with that word for its code."""
    await pool.execute(ADD_IMPORT, uuid4(), file_name, state, finished_at)


async def _load(pool: Pool, rows: Iterable[SampleRow]) -> None:
    records = [(row.equipment_id, row.ts, row.value) for row in rows]
    equipment = sorted({equipment_id for equipment_id, *_ in records})
    async with pool.acquire() as connection:
        await connection.copy_records_to_table(
            "readings", records=records, columns=["equipment_id", "ts", "value"]
        )
        for rollup in ("readings_1h", "readings_1d"):
            await connection.execute(f"CALL refresh_continuous_aggregate('{rollup}', NULL, NULL)")
    await pool.executemany(DESCRIBE, map(_described, equipment))


def _described(equipment_id: str) -> tuple[object, ...]:
    said = description(equipment_id)
    columns = ("name", "unit", "location", "zone", "expectedPeriodSeconds")
    return (equipment_id, *(said[column] for column in columns))
