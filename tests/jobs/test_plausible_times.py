"""A timestamp that is implausibly old, or counts another unit, is no reading unless it is meant."""

import io
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.database import Pool
from core.imports import ImportOptions, TimeFormat
from core.readings import EARLIEST, LATEST
from core.settings import ReadingSettings
from core.time import NANOSECONDS, EpochUnit, from_epoch, plausible_unit, utc_now
from jobs.csv_import.context import ImportContext
from jobs.csv_import.job import run_import_job
from jobs.csv_import.timestamps import UNITS
from tests.jobs.support import HEADER, ImportCounts, outcome_of, rejects_of, rows_of, run_import
from tests.jobs.test_dry_run import forecast_of
from tests.jobs.test_rejects_resubmission import add_resubmission, imported

HISTORIC = "a,1950-06-01T12:00:00Z,1\n"
MODERN = "a,2024-06-01T12:00:00Z,2\n"
TIMESTAMPS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # made aware


def count_of(ts: datetime, unit: EpochUnit) -> int:
    return int(ts.timestamp() * 10**9) // NANOSECONDS[unit]


@given(now=TIMESTAMPS, years=st.floats(-9.9, 9.9), unit=st.sampled_from(EpochUnit))
def test_a_count_of_a_timestamp_near_now_has_one_plausible_unit(
    now: datetime, years: float, unit: EpochUnit
) -> None:
    assert plausible_unit(count_of(now + timedelta(days=365 * years), unit), now) is unit


@given(now=TIMESTAMPS, count=st.integers())
def test_a_plausible_unit_makes_a_timestamp_within_ten_years(now: datetime, count: int) -> None:
    unit = plausible_unit(count, now)
    for other in EpochUnit if unit is None else [unit]:
        distance = abs(from_epoch(count, other) - now)
        assert (distance < timedelta(days=3651)) == (unit is not None)


@pytest.mark.parametrize(("said", "meant"), list(permutations(UNITS, 2)))
async def test_a_file_that_counts_another_unit_fails_and_its_unit_is_named(
    context: ImportContext, said: TimeFormat, meant: TimeFormat
) -> None:
    count = count_of(utc_now(), UNITS[meant])
    content, options = f"{HEADER}a,{count},1\n", ImportOptions(time_format=said)
    outcome = await run_import(context, content, options=options)
    code = "too_old" if NANOSECONDS[UNITS[meant]] > NANOSECONDS[UNITS[said]] else "too_future"
    reason = f"line 2: {code} in timestamp (looks like {UNITS[meant]}: set timeFormat={meant})"
    assert (outcome.state, outcome.error_code) == ("failed", "no_valid_rows")
    assert reason in outcome.error_message
    assert await rows_of(context.pool) == {}
    forecast = await forecast_of(context, content, time_format=said)
    assert (forecast.rejects, forecast.first_rejects) == ({code: 1}, [reason])


async def test_numbers_without_a_unit_are_named_by_that_which_fits(context: ImportContext) -> None:
    count = count_of(utc_now(), EpochUnit.SECONDS)
    outcome = await run_import(context, f'{HEADER}"a,b"," {count}.5",1\n')
    assert "bad_timestamp in timestamp (looks like seconds: set timeFormat=epoch_s)" in (
        outcome.error_message
    )


async def test_a_parquet_file_that_counts_another_unit_fails_likewise(
    context: ImportContext,
) -> None:
    count = count_of(utc_now(), EpochUnit.MILLISECONDS)
    buffer = io.BytesIO()
    pq.write_table(pa.table({"equipmentId": ["a"], "timestamp": [count], "value": [1.0]}), buffer)
    options = ImportOptions(time_format=TimeFormat.EPOCH_NS)
    outcome = await run_import(context, buffer.getvalue(), ".parquet", options)
    assert "line 1: too_old in timestamp (looks like milliseconds: set timeFormat=epoch_ms)" in (
        outcome.error_message
    )


async def test_of_a_file_of_mixed_units_the_plausible_rows_are_stored(
    context: ImportContext,
) -> None:
    rows = f"{HEADER}a,1704067200000,1\nb,1704067200,2\n"
    outcome = await run_import(
        context, rows, options=ImportOptions(time_format=TimeFormat.EPOCH_MS)
    )
    assert (outcome.state, outcome.counts) == ("done", ImportCounts(read=2, inserted=1, rejected=1))
    assert await rows_of(context.pool) == {("a", "2024-01-01T00:00:00+00:00"): 1}


async def test_historic_data_is_refused_unless_option_or_setting_allow_it(
    context: ImportContext, pool: Pool
) -> None:
    refused = await run_import(context, HEADER + HISTORIC)
    assert "line 2: too_old in timestamp (for historic data set earliest)" in refused.error_message
    assert (await forecast_of(context, HEADER + HISTORIC)).rejects == {"too_old": 1}
    earliest = datetime(1950, 6, 1, 12, tzinfo=UTC)
    assert (await forecast_of(context, HEADER + HISTORIC, earliest=earliest)).rejects == {}
    allowed = await run_import(context, HEADER + HISTORIC, options=ImportOptions(earliest=earliest))
    assert (allowed.state, allowed.counts) == ("done", ImportCounts(read=1, inserted=1))
    just_after = ImportOptions(earliest=earliest + timedelta.resolution)
    assert (await run_import(context, HEADER + HISTORIC, options=just_after)).state == "failed"
    await pool.execute("TRUNCATE readings")
    tolerant = ImportContext(
        context.storage,
        context.database,
        context.worker,
        ReadingSettings(earliest=earliest),
        context.stop,
        context.batch_lines,
        pool,
    )
    assert (await run_import(tolerant, HEADER + HISTORIC)).state == "done"


@pytest.mark.parametrize("earliest", [None, datetime(1950, 1, 1, tzinfo=UTC)])
async def test_corrected_rejects_are_validated_by_the_option_of_their_import(
    context: ImportContext, pool: Pool, earliest: datetime | None
) -> None:
    content = f"{HEADER}{MODERN}a,no time,1\n"
    import_id = await imported(context, content, options=ImportOptions(earliest=earliest))
    await add_resubmission(pool, context.storage, import_id, {3: HISTORIC.strip()})
    await run_import_job(context, import_id, 0)
    outcome = await outcome_of(pool, import_id)
    assert outcome.counts.rejected == (1 if earliest is None else 0)
    codes = [code for _, code, *_ in await rejects_of(context.storage, import_id, 1)]
    assert codes == (["too_old"] if earliest is None else [])


def test_counts_off_the_calendar_are_its_ends() -> None:
    for unit in EpochUnit:
        assert from_epoch(10**30, unit) > LATEST
        assert from_epoch(-(10**30), unit) < EARLIEST
