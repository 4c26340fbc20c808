"""Every writer inserts rows in key order, so locks are taken in that order as well."""

from datetime import timedelta
from random import Random

import pytest

from core.database import Pool
from core.readings import Reading
from tests.api.stored import this_hour
from tests.deadlocks.writers import WRITERS

SEED = 20260103

# In another order by length, by most locales, and by UTF-16 than by their bytes.
IDS = ["a", "B", "aa", "ä", "b", "ccc", "\uffee", "🌡"]

# Where a row lies on disk tells when it was inserted: the table is empty before.
ROWS_AS_INSERTED = """
SELECT tableoid, equipment_id, ts FROM readings ORDER BY tableoid, ctid
"""


@pytest.mark.parametrize("writer", WRITERS)
async def test_rows_are_inserted_in_key_order(pool: Pool, writer: str) -> None:
    end = this_hour()
    readings = [Reading(name, end - timedelta(days=9 * n), 1.0) for name in IDS for n in range(4)]
    Random(SEED).shuffle(readings)  # noqa: S311  # for repeatable tests, not for secrets
    await WRITERS[writer](pool, readings)
    rows = [tuple(row) for row in await pool.fetch(ROWS_AS_INSERTED)]
    assert len(rows) == len(readings)
    assert rows == sorted(rows)
