"""COPY and merge have the same result: which one stores a batch matters for its speed alone."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import polars as pl
import pytest

from core.database import Connection, Pool
from core.errors import RowsMissingError
from jobs.csv_import import writing as module
from jobs.csv_import.context import ImportContext
from jobs.csv_import.ordered_commit import CommitSlot
from jobs.csv_import.prefetch import prefetch
from jobs.csv_import.staging import stage
from jobs.csv_import.writing import Written, write_rows
from tests.jobs.support import HEADER, ImportCounts, add_import, rows_of, run_import

DAY = datetime(2024, 1, 1, tzinfo=UTC)
NAMES = ["b", "a", "ä", "ccc", "B", "aa"]


def readings(*values: float) -> pl.DataFrame:
    """As many rows as values, ids in no order, over some chunks."""
    return pl.DataFrame(
        {
            "equipment_id": [NAMES[n % len(NAMES)] for n in range(len(values))],
            "ts": [DAY + timedelta(days=5) * (n // len(NAMES)) for n in range(len(values))],
            "value": [float(value) for value in values],
        }
    )


async def write(
    pool: Pool, import_id: UUID, rows: pl.DataFrame, *, expect_new: bool = True
) -> Written:
    async with pool.acquire() as connection, connection.transaction():
        return await write_rows(
            connection, import_id, stage(rows), CommitSlot(expect_new=expect_new)
        )


@pytest.fixture
async def import_id(context: ImportContext) -> UUID:
    return await add_import(context.pool, context.storage, HEADER)


@pytest.mark.parametrize("expect_new", [True, False])
async def test_whichever_way_is_tried_first_the_same_is_written_and_counted(
    pool: Pool, import_id: UUID, expect_new: bool
) -> None:
    assert await write(pool, import_id, readings(*range(20)), expect_new=expect_new) == (20, 0)
    changed = readings(*range(15), *[0.5] * 10)
    assert await write(pool, import_id, changed, expect_new=expect_new) == (5, 5)
    assert sorted((await rows_of(pool)).values()) == sorted([*range(15), *[0.5] * 10])


async def test_the_ledger_records_whether_rows_are_only_new(pool: Pool, import_id: UUID) -> None:
    await write(pool, import_id, readings(1, 2), expect_new=True)
    await write(pool, import_id, readings(1, 3), expect_new=True)
    rows = await pool.fetch("SELECT only_new FROM rollup_dirty_ranges ORDER BY id")
    assert [row["only_new"] for row in rows] == [True, False]


@pytest.mark.parametrize("expect_new", [True, False])
async def test_late_rows_are_in_the_ledger_by_chunk_and_no_other_rows_are(
    pool: Pool, import_id: UUID, expect_new: bool
) -> None:
    late, fresh = readings(1, 2, 3, 4, 5, 6, 7), readings(8)
    fresh = fresh.with_columns(ts=pl.lit(datetime.now(UTC)))
    await write(pool, import_id, pl.concat([late, fresh]), expect_new=expect_new)
    rows = await pool.fetch("SELECT range_start, range_end FROM rollup_dirty_ranges ORDER BY 1")
    hour = timedelta(hours=1)
    assert [tuple(row) for row in rows] == [
        (day, day + hour) for day in (DAY, DAY + timedelta(days=5))
    ]


async def test_rows_that_reach_the_columnstore_are_never_copied_straight(
    pool: Pool, import_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(pool, import_id, readings(1))
    await pool.execute("SELECT compress_chunk(chunk) FROM show_chunks('readings') AS chunk")
    tables = copied_tables(monkeypatch)
    await write(pool, import_id, readings(1, 2))
    assert tables == ["import_staging"]


async def test_after_a_batch_with_known_keys_the_next_are_staged_at_once(
    context: ImportContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"a,2024-01-01T{n // 60:02}:{n % 60:02}:00Z,1\n" for n in range(150)]
    await run_import(context, HEADER + "".join(lines))
    tables = copied_tables(monkeypatch)
    outcome = await run_import(
        dataclasses.replace(context, batch_lines=30), HEADER + "".join(lines)
    )
    assert outcome.counts == ImportCounts(read=150, unchanged=150)
    assert tables.count("import_staging") >= 5  # once more where one was taken back
    assert 1 <= tables.count("readings") <= 2  # two batches begin before any has ended


async def test_a_table_that_holds_fewer_rows_than_were_written_is_an_error(
    pool: Pool, import_id: UUID
) -> None:
    await pool.execute(
        "CREATE FUNCTION lose_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF NEW.value = 2 THEN RETURN NULL; END IF; RETURN NEW; END $$;"
        "CREATE TRIGGER lose_row BEFORE INSERT ON readings FOR EACH ROW EXECUTE FUNCTION lose_row()"
    )
    try:
        for expect_new in (True, False):
            with pytest.raises(RowsMissingError, match="Of 3 keys written, the table holds 2"):
                await write(pool, import_id, readings(1, 2, 3), expect_new=expect_new)
    finally:
        await pool.execute("DROP FUNCTION lose_row CASCADE")
    assert await rows_of(pool) == {}


async def test_the_next_batch_is_prefetched_while_one_is_written() -> None:
    made: list[int] = []
    next_one = asyncio.Event()

    async def batches() -> AsyncIterator[int]:
        for number in range(3):
            made.append(number)
            if number == 1:
                next_one.set()
            yield number

    seen = []
    async for number in prefetch(batches()):
        if number == 0:
            await asyncio.wait_for(next_one.wait(), 10)
            assert made == [0, 1]
        seen.append(number)
    assert seen == [0, 1, 2]


def copied_tables(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tables that rows are copied to from now on, in order."""
    tables: list[str] = []
    copy = module.copy_rows

    async def noted(connection: Connection, table: str, rows: pl.DataFrame) -> None:
        tables.append(table)
        await copy(connection, table, rows)

    monkeypatch.setattr(module, "copy_rows", noted)
    return tables
