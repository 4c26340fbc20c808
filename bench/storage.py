"""Bytes per reading of the sample, indexes included, before and after compression."""

from bench.measure import Bench, Result
from bench.table import empty, require_no_readings
from cli.demo.sample import read_sample
from core.database import Pool

COMPRESS = "SELECT compress_chunk(chunk) FROM show_chunks('readings') AS chunk"
BYTES_PER_READING = """
    SELECT hypertable_size('readings')::double precision / count(*) FROM readings
"""


async def storage(bench: Bench) -> list[Result]:
    """A year of hourly weather in 18 series, which is 3,000 readings a chunk."""
    await require_no_readings(bench.pool)
    rows = [(row.equipment_id, row.ts, row.value) for row in read_sample()]
    columns = ["equipment_id", "ts", "value"]
    await bench.pool.copy_records_to_table("readings", records=rows, columns=columns)
    before = await _bytes_per_reading(bench.pool)
    await bench.pool.execute(COMPRESS)
    after = await _bytes_per_reading(bench.pool)
    await empty(bench.pool)
    details = {"readings": len(rows)}
    return [Result("storage, compressed", "bytes/reading", after, before, "uncompressed", details)]


async def _bytes_per_reading(pool: Pool) -> float:
    return float(await pool.fetchval(BYTES_PER_READING))
