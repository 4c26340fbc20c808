"""What a dry run forecasts is what the import then does, and it changes nothing itself."""

import dataclasses
from datetime import datetime
from unittest.mock import Mock
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.database import Pool
from core.imports import ImportOptions, ImportState
from core.readings import OnConflict
from core.time import DAY, HOUR, TimeRange, utc_now
from jobs.csv_import.context import ImportContext
from jobs.csv_import.dry_run import dry_run
from jobs.csv_import.forecast import Forecast, KeyCounts, RepeatedRows
from jobs.csv_import.repository import Claim
from jobs.errors import FileFaultError
from jobs.rollups.refresh import due_slices
from tests.jobs.load_model import Key, Row, load_row_by_row
from tests.jobs.support import HEADER, ImportCounts, add_import, rows_of
from tests.jobs.test_import_job import load_only
from tests.jobs.test_import_model import hold_only, keys, rows, values


async def forecast_of(context: ImportContext, content: str, **options: object) -> Forecast:
    """The forecast of a file with this content, validated relative to now."""
    await context.storage.put("file.csv", content.encode())
    claim = Claim(
        UUID(int=0),
        "file.csv",
        ImportState.LOADING,
        attempt=1,
        tries=1,
        lines_done=0,
        rows_rejected=0,
        started_at=utc_now(),
        options=ImportOptions(**options),  # type: ignore[arg-type]  # its fields, as they come
    )
    return await dry_run(context, claim, Mock())


def counts_of(forecast: Forecast) -> ImportCounts:
    return ImportCounts(**msgspec.to_builtins(forecast.counts))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    stored=st.dictionaries(keys, values, max_size=6),
    file=st.lists(rows, min_size=1, max_size=25),
    batch_lines=st.integers(1, 9),
    on_conflict=st.sampled_from(OnConflict),
)
async def test_a_forecast_has_the_counts_of_loading_row_by_row(
    context: ImportContext,
    pool: Pool,
    *,
    stored: dict[Key, float],
    file: list[Row],
    batch_lines: int,
    on_conflict: OnConflict,
) -> None:
    await hold_only(pool, stored)
    context = dataclasses.replace(context, batch_lines=batch_lines)
    content = HEADER + "".join(row.text for row in file)
    forecast = await forecast_of(context, content, on_conflict=on_conflict)
    _, counts = load_row_by_row(stored, file, on_conflict)
    assert counts_of(forecast) == counts
    assert sum(forecast.rejects.values()) == counts.rejected
    table, _ = load_row_by_row(stored, file)
    touched = good_keys(file)
    assert forecast.stored == compared(stored, table, set(touched))
    repeated = forecast.repeated.equal + forecast.repeated.different
    assert repeated == len(touched) - len(set(touched))
    assert await rows_of(context.pool) == stored


def good_keys(file: list[Row]) -> list[Key]:
    return [row.key for row in file if row.key and not row.bad]


def compared(stored: dict[Key, float], table: dict[Key, float], touched: set[Key]) -> KeyCounts:
    known = [key for key in touched if key in stored]
    equal = sum(stored[key] == table[key] for key in known)
    return KeyCounts(len(touched) - len(known), equal, len(known) - equal)


@pytest.mark.parametrize("on_conflict", OnConflict)
async def test_the_buckets_to_refresh_are_those_that_the_import_would_enter(
    context: ImportContext, pool: Pool, on_conflict: OnConflict
) -> None:
    await pool.execute("INSERT INTO readings VALUES ('a', '2024-01-05T05:20:00Z', 7)")
    lines = [f"a,2024-01-{day:02}T{hour:02}:20:00Z,1\n" for day in (1, 9, 10) for hour in (1, 5)]
    changed = "a,2024-01-05T05:20:00Z,1\n"
    content = HEADER + "".join([*lines, changed]) + f"a,{utc_now().isoformat()},1\n"
    forecast = await forecast_of(context, content, on_conflict=on_conflict)
    options = ImportOptions(on_conflict=on_conflict)
    await load_only(context, await add_import(pool, context.storage, content, options=options))
    ledger = [
        TimeRange(row["range_start"], row["range_end"])
        for row in await pool.fetch("SELECT range_start, range_end FROM rollup_dirty_ranges")
    ]
    async with pool.acquire() as connection:
        (_, hours), (_, days) = await due_slices(connection, ledger)
    # In the chunk that begins on January 4th they reach from the 5th on if that is replaced.
    replaces = on_conflict is OnConflict.REPLACE
    expected = (5 + 121, 7) if replaces else (5 + 29, 3)
    assert forecast.hours == sum((part.end - part.start) // HOUR for part in hours) == expected[0]
    assert forecast.days == sum((part.end - part.start) // DAY for part in days) == expected[1]
    assert (await forecast_of(context, content, on_conflict=on_conflict)).hours == 0


async def test_conflicts_are_reported_among_the_rejects_by_their_lines(
    context: ImportContext, pool: Pool
) -> None:
    await pool.execute("INSERT INTO readings VALUES ('a', '2024-01-01T00:00:00Z', 7)")
    lines = ("00:00Z,7", "01:00Z,1", "01:00Z,2", "02:00Z,x", "00:00Z,1", "03:00Z,1")
    content = HEADER + "".join(f"a,2024-01-01T{line}\n" for line in lines)
    context = dataclasses.replace(context, batch_lines=2)
    forecast = await forecast_of(context, content, on_conflict=OnConflict.ERROR)
    assert forecast.first_rejects == [
        "line 4: conflict in value",
        "line 5: bad_number in value",
        "line 6: conflict in value",
    ]
    assert counts_of(forecast) == ImportCounts(read=6, inserted=2, unchanged=1, rejected=3)


async def test_rejects_are_counted_by_code_and_rows_below_the_horizon_are_among_them(
    context: ImportContext, pool: Pool
) -> None:
    await pool.execute("INSERT INTO retention_horizon (horizon) VALUES ('2024-01-01T12:00Z')")
    lines = (
        "2024-01-01T11:00Z,1",
        "2024-01-02T00:00Z,x",
        "2024-01-02T00:00Z,1",
        "2023-01-01T00:00Z,1",
    )
    forecast = await forecast_of(context, HEADER + "".join(f"a,{row}\n" for row in lines))
    assert forecast.rejects == {"below_retention": 2, "bad_number": 1}
    assert forecast.first_rejects == [
        "line 2: below_retention in timestamp",
        "line 3: bad_number in value",
        "line 5: below_retention in timestamp",
    ]
    assert forecast.horizon == datetime.fromisoformat("2024-01-01T12:00Z")


async def test_the_mapping_of_columns_is_reported(context: ImportContext) -> None:
    content = "Pumpe;note;time;reading\na;;2024-01-01T00:00Z;1\na;;2024-01-01T00:00Z;1\n"
    forecast = await forecast_of(context, content, columns={"equipmentId": "Pumpe"})
    assert forecast.columns == {"equipmentId": "Pumpe", "timestamp": "time", "value": "reading"}
    assert forecast.repeated == RepeatedRows(equal=1, different=0)


async def test_a_file_that_cannot_be_read_is_no_forecast(context: ImportContext) -> None:
    with pytest.raises(FileFaultError, match="The file is empty"):
        await forecast_of(context, "")
