"""What writers record in data_changes: all that changed, and nothing that did not."""

from datetime import date

import pytest

from core import ledger
from core.database import Pool
from jobs.csv_import.context import ImportContext
from tests.jobs.support import HEADER, run_import

FILE = HEADER + "a,2024-01-01T23:59:59Z,1\na,2024-01-02T00:00:00Z,1\nb,2024-01-02T12:00:00Z,1\n"
CHANGES = {("a", date(2024, 1, 1)), ("a", date(2024, 1, 2)), ("b", date(2024, 1, 2))}


async def test_an_import_of_new_rows_records_each_equipment_and_day(
    pool: Pool, context: ImportContext
) -> None:
    await run_import(context, FILE)
    assert await recorded_changes(pool) == [CHANGES]
    assert await recorded_readings(pool) == [3]


async def test_an_import_records_only_what_differs_from_the_table(
    pool: Pool, context: ImportContext
) -> None:
    await run_import(context, FILE)
    await run_import(context, FILE)
    await run_import(context, FILE.replace("b,2024-01-02T12:00:00Z,1", "b,2024-01-02T12:00:00Z,2"))
    assert await recorded_changes(pool) == [CHANGES, {("b", date(2024, 1, 2))}]
    assert await recorded_readings(pool) == [3, 1]


async def test_of_too_many_changes_only_the_days_are_recorded(
    pool: Pool, context: ImportContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "MAX_CHANGES", 2)
    await run_import(context, FILE)
    assert await recorded_changes(pool) == [{("", date(2024, 1, 1)), ("", date(2024, 1, 2))}]


async def recorded_changes(pool: Pool) -> list[set[tuple[str, date]]]:
    rows = await pool.fetch("SELECT equipment_ids, days FROM data_changes ORDER BY id")
    return [set(zip(*row, strict=True)) for row in rows]


async def recorded_readings(pool: Pool) -> list[int]:
    return [row[0] for row in await pool.fetch("SELECT readings FROM data_changes ORDER BY id")]
