"""A file whose import is disturbed, and how it must end all the same."""

from uuid import UUID

from core.database import Pool
from core.storage import Storage
from tests.jobs.load_model import Row, load_row_by_row
from tests.jobs.support import HEADER, outcome_of, rejects_of, rolled_up, rows_of

BATCH_LINES = 100


def file_rows() -> list[Row]:
    """Six batches over two chunks, with repetitions, replacements, rejects and blank lines."""
    days = ("2013-11-03", "2024-01-03")
    minutes = range(0, 900, 7)
    timestamps = [f"{day}T{n // 60:02}:{n % 60:02}:00+00:00" for day in days for n in minutes]
    rows = [Row((name, ts), n, bad=n % 29 == 5) for n, ts in enumerate(timestamps) for name in "ab"]
    again = [
        Row((row.key[0], row.key[1]), row.value + n % 2) for n, row in enumerate(rows) if row.key
    ]
    return [*rows, Row(None), *again[::8], Row(None)]


FILE = file_rows()
CONTENT = HEADER + "".join(row.text for row in FILE)
TABLE, COUNTS = load_row_by_row({}, FILE)
REJECTED_LINES = [number for number, row in enumerate(FILE, start=2) if row.bad]


async def assert_as_undisturbed(pool: Pool, storage: Storage, import_id: UUID) -> None:
    outcome = await outcome_of(pool, import_id)
    assert (outcome.state, outcome.counts) == ("done", COUNTS)
    assert outcome.lines_done == 1 + len(FILE)
    assert await rows_of(pool) == TABLE
    assert [line for line, *_ in await rejects_of(storage, import_id)] == REJECTED_LINES
    assert (
        await rolled_up(pool, "readings_1h") == await rolled_up(pool, "readings_1d") == len(TABLE)
    )
    assert await pool.fetchval("SELECT count(*) FROM rollup_dirty_ranges") == 0
