"""Whatever the file, the batch size and the stored rows: the result of loading row by row."""

import dataclasses
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.database import Pool
from core.imports import ImportOptions
from core.readings import OnConflict
from jobs.csv_import.context import ImportContext
from tests.jobs.load_model import Key, Row, load_row_by_row
from tests.jobs.support import HEADER, rolled_up, rows_of, run_import

DAYS = (datetime(2013, 11, 3, tzinfo=UTC), datetime(2024, 1, 3, 23, tzinfo=UTC))
TIMESTAMPS = [(day + timedelta(minutes=20 * n)).isoformat() for day in DAYS for n in range(4)]

keys = st.tuples(st.sampled_from(["a", "b", "ä 1"]), st.sampled_from(TIMESTAMPS))
values = st.sampled_from([0.0, -0.0, 1.5, -2.0])
rows = st.builds(Row, keys | st.none(), values, st.sampled_from([False, False, False, True]))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    stored=st.dictionaries(keys, values, max_size=6),
    file=st.lists(rows, min_size=1, max_size=25),
    batch_lines=st.integers(1, 9),
    on_conflict=st.sampled_from(OnConflict),
)
async def test_counts_and_contents_are_those_of_loading_row_by_row(
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
    options = ImportOptions(on_conflict=on_conflict)
    for _ in ("import", "import again"):
        outcome = await run_import(context, content, options=options)
        stored, counts = load_row_by_row(stored, file, on_conflict)
        assert outcome.counts == counts
        assert outcome.state == ("failed" if counts.read == counts.rejected else "done")
        assert await rows_of(context.pool) == stored


async def hold_only(pool: Pool, stored: dict[Key, float]) -> None:
    await pool.execute("TRUNCATE readings")
    await pool.executemany(
        "INSERT INTO readings (equipment_id, ts, value) VALUES ($1, $2, $3)",
        [(key[0], datetime.fromisoformat(key[1]), value) for key, value in stored.items()],
    )


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.lists(st.lists(rows, min_size=1, max_size=15), min_size=1, max_size=4))
async def test_whenever_an_import_is_done_the_rollups_agree_with_the_table(
    context: ImportContext, pool: Pool, files: list[list[Row]]
) -> None:
    await pool.execute("TRUNCATE readings; TRUNCATE readings_1h; TRUNCATE readings_1d")
    context = dataclasses.replace(context, batch_lines=4)
    for file in files:
        await run_import(context, HEADER + "".join(row.text for row in file))
        held = await rows_of(context.pool)
        for rollup in ("readings_1h", "readings_1d"):
            assert await rolled_up(context.pool, rollup) == len(held)
            assert await total_of(context.pool, rollup) == sum(held.values())


async def total_of(pool: Pool, rollup: str) -> float:
    total = await pool.fetchval(f"SELECT sum(total_value) FROM {rollup}")
    return float(total or 0)
