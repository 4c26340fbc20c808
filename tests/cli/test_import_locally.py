"""`sensorflow import` into the configured database, with no API and no worker running."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import create_autospec

import pytest
import pytest_asyncio
from pydantic import SecretStr

from api.imports.progress_feed import ProgressFeed
from api.imports.repository import ImportRepository
from api.imports.schemas import Import
from api.imports.service import ImportService
from api.imports.uploads import EXTENSIONS
from cli.imports import local_run
from cli.imports.display import ProgressLines
from cli.imports.errors import RetriesExhaustedError, UsageError
from cli.imports.local_run import LocalRun
from cli.imports.options import form_fields
from core.database import Pool, control_engine
from core.errors import StorageError
from core.settings import DatabaseSettings, ReadingSettings, StorageSettings, WorkerSettings
from core.storage import Storage
from jobs.csv_import.context import ImportContext
from jobs.csv_import.job import run_import_job
from tests.cli.test_commands import sensorflow
from tests.jobs.support import (
    HEADER,
    ImportCounts,
    add_import,
    outcome_of,
    rolled_up,
    rows_of,
    sample_lines,
)
from tests.jobs.test_worker_faults import wait_until_settled, worker

ROWS = 20_000
LATE = f"{HEADER}a,2024-07-01 02:30:00,1\nb,never,1\n"


@pytest.fixture
def settings(migrated_url: str, pool: Pool, tmp_path: Path) -> dict[str, str]:
    """Those of a machine with a database, which is empty, and a storage."""
    del pool
    return {
        "SENSORFLOW_DATABASE_URL": migrated_url,
        "SENSORFLOW_STORAGE_URL": str(tmp_path / "storage"),
    }


@pytest.fixture
def context(migrated_url: str, pool: Pool, application_pool: Pool, tmp_path: Path) -> ImportContext:
    """The context of an import in this process, in many small batches."""
    del pool
    database = DatabaseSettings(url=SecretStr(migrated_url))
    storage = Storage.open(StorageSettings(url=str(tmp_path / "storage")))
    parts = (storage, database, WorkerSettings(), ReadingSettings(), asyncio.Event())
    return ImportContext(*parts, 100, application_pool)


@pytest_asyncio.fixture
async def imports(context: ImportContext) -> AsyncIterator[ImportService]:
    engine = control_engine(context.database.url.get_secret_value())
    repository = ImportRepository(engine)
    yield ImportService(repository, context.storage, ProgressFeed(repository))
    await engine.dispose()


async def new_run(
    context: ImportContext, imports: ImportService, display: ProgressLines
) -> LocalRun:
    """A run of an import of ROWS rows that has not begun."""
    import_id = await add_import(context.pool, context.storage, sample_lines(ROWS))
    return LocalRun(context, imports, import_id, display)


@pytest.fixture
def display() -> ProgressLines:
    lines: ProgressLines = create_autospec(ProgressLines, instance=True)
    return lines


async def test_rows_are_visible_when_the_command_ends_and_no_job_is_left(
    settings: dict[str, str], pool: Pool, tmp_path: Path
) -> None:
    path = tmp_path / "weather.csv"
    path.write_text(sample_lines(5000))
    outcome = await asyncio.to_thread(sensorflow, "import", str(path), **settings)
    assert outcome.returncode == 0, outcome.stderr
    assert "5,000 rows: 5,000 inserted" in outcome.stdout
    assert await rolled_up(pool) == await rolled_up(pool, "readings_1d") == 5000
    assert await pool.fetchval("SELECT count(*) FROM queue.pgqueuer") == 0


async def test_options_and_rejects_are_as_with_a_server(
    settings: dict[str, str], pool: Pool, tmp_path: Path
) -> None:
    path = tmp_path / "late.csv"
    path.write_text(LATE.replace("equipmentId", "Pumpe"))
    options = ("--time-zone", "Europe/Berlin", "--column", "equipmentId=Pumpe", "--json")
    outcome = await asyncio.to_thread(sensorflow, "import", str(path), *options, **settings)
    assert outcome.returncode == 1, outcome.stderr
    reported = json.loads(outcome.stdout)
    assert reported["import"]["options"]["timeZone"] == "Europe/Berlin"
    assert await rows_of(pool) == {("a", "2024-07-01T00:30:00+00:00"): 1}
    assert reported["rejectsFile"] == f"{path}.rejects.csv"


async def test_rows_that_differ_from_stored_ones_are_errors_by_option_as_a_dry_run_forecasts(
    settings: dict[str, str], pool: Pool, tmp_path: Path
) -> None:
    await pool.execute("INSERT INTO readings VALUES ('a', '2024-07-01T02:30:00Z', 7)")
    path = tmp_path / "late.csv"
    path.write_text(LATE + "b,2024-07-01T02:30:00,1\n")
    command = ("import", str(path), "--on-conflict", "error", "--max-errors", "1", "--json")
    forecast_run = await asyncio.to_thread(sensorflow, *command, "--dry-run", **settings)
    outcome = await asyncio.to_thread(sensorflow, *command, **settings)
    assert (forecast_run.returncode, outcome.returncode) == (1, 1), outcome.stderr
    forecast, done = json.loads(forecast_run.stdout)["forecast"], json.loads(outcome.stdout)
    assert forecast["rejects"] == {"conflict": 1, "bad_timestamp": 1}
    assert forecast["counts"] == done["import"]["counts"]
    assert done["import"]["counts"]["inserted"] == 1
    assert (await rows_of(pool))["a", "2024-07-01T02:30:00+00:00"] == 7


@pytest.mark.parametrize(
    ("given", "columns", "message"),
    [
        ({"timeZone": "Mars"}, [], "--time-zone: timeZone"),
        ({}, ["equipmentId"], "--column equipmentId: write it like"),
        ({}, ["pump=a"], "--column: columns must be"),
        ({"maxErrors": "many"}, [], "--max-errors: maxErrors must be a whole number"),
        ({"onConflict": "keep"}, [], "--on-conflict: onConflict must be"),
        ({"earliest": "1950"}, [], "--earliest: earliest must be a date or a timestamp"),
    ],
)
def test_invalid_options_are_reported_by_their_names_on_the_command_line(
    given: dict[str, str | None], columns: list[str], message: str
) -> None:
    with pytest.raises(UsageError) as refused:
        form_fields({**given, "columns": columns})
    assert refused.value.message.startswith(message)


async def test_historic_data_is_imported_by_option(
    settings: dict[str, str], pool: Pool, tmp_path: Path
) -> None:
    path = tmp_path / "old.csv"
    path.write_text("equipmentId,timestamp,value\na,1950-06-01T12:00:00Z,1\n")
    dry = await asyncio.to_thread(sensorflow, "import", "--dry-run", str(path), **settings)
    assert dry.returncode == 3
    assert "the first: line 2: too_old in timestamp (for historic data set earliest)" in dry.stdout
    command = ("import", str(path), "--earliest", "1950-01-01")
    done = await asyncio.to_thread(sensorflow, *command, **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    assert await rows_of(pool) == {("a", "1950-06-01T12:00:00+00:00"): 1}


async def test_sentinels_are_skipped_by_option_and_counted_apart(
    settings: dict[str, str], pool: Pool, tmp_path: Path
) -> None:
    path = tmp_path / "logger.csv"
    path.write_text(
        "sensor,time,value\n"
        + "".join(
            f"a,2026-11-01T0{n}:00,{value}\n"
            for n, value in enumerate(["21.5", "-9999", "NAN", "", "-9999.0", "x"])
        )
    )
    options = ("--null-value", "-9999", "--null-value", "nan", "--null-value", "")
    dry = await asyncio.to_thread(
        sensorflow, "import", "--dry-run", str(path), *options, **settings
    )
    assert "6 rows: 1 to insert, 0 to replace, 0 unchanged, 4 to skip, 1 to reject" in dry.stdout
    done = await asyncio.to_thread(sensorflow, "import", str(path), *options, **settings)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "6 rows: 1 inserted, 0 replaced, 0 unchanged, 4 skipped, 1 rejected" in done.stdout
    assert await rows_of(pool) == {("a", "2026-11-01T00:00:00+00:00"): 21.5}


async def test_a_file_without_any_reading_is_said_to_have_none(
    settings: dict[str, str], pool: Pool, tmp_path: Path
) -> None:
    path = tmp_path / "silent.csv"
    path.write_text("sensor,time,value\na,2026-11-01T00:00,-9999\n")
    for flags in ((), ("--dry-run",)):
        command = ("import", *flags, str(path), "--null-value", "-9999")
        done = await asyncio.to_thread(sensorflow, *command, **settings)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "no reading: every value of the file is one of nullValues" in done.stdout
    assert await rows_of(pool) == {}


def test_files_that_are_none_fail_with_the_codes_that_a_server_gives(
    settings: dict[str, str], tmp_path: Path
) -> None:
    contents = {"empty.csv": "", "a.docx": "x", "b.csv": "b"}
    for name, content in contents.items():
        (tmp_path / name).write_text(content)
    files = (str(tmp_path / name) for name in contents)
    outcome = sensorflow("import", "--json", *files, **settings)
    assert outcome.returncode == 3
    reported = [json.loads(line) for line in outcome.stdout.splitlines()]
    codes = ["empty_file", "not_csv", "missing_header"]
    assert [line["error"]["code"] for line in reported] == codes


async def test_a_dry_run_forecasts_and_stores_nothing(
    settings: dict[str, str], pool: Pool, tmp_path: Path
) -> None:
    path = tmp_path / "late.csv"
    path.write_text(LATE)
    del settings["SENSORFLOW_STORAGE_URL"]
    await pool.execute("INSERT INTO readings VALUES ('a', '2024-07-01T02:30:00Z', 7)")
    before = await pool.fetch("SELECT tableoid, * FROM readings")
    files = (str(path), str(tmp_path / "none.docx"))
    (tmp_path / "none.docx").touch()
    outcome = await asyncio.to_thread(sensorflow, "import", "--dry-run", *files, **settings)
    assert outcome.returncode == 3, outcome.stderr
    *others, last = EXTENSIONS
    assert outcome.stdout == DRY.format(*files, f"{', '.join(others)} or {last}")
    assert await pool.fetch("SELECT tableoid, * FROM readings") == before
    assert await pool.fetchval("SELECT count(*) FROM imports") == 0


DRY = """\
! {0}
  columns: equipmentId is 'equipmentId', timestamp is 'timestamp', value is 'value'
  2 rows: 0 to insert, 1 to replace, 0 unchanged, 1 to reject
  from 2024-07-01 02:30:00 to 2024-07-01 02:30:00 UTC
  to reject: 1 bad_timestamp
  the first: line 3: bad_timestamp in timestamp
  repeated in the file: 0 rows with the same value, 0 with another
  against stored readings: 0 new, 0 equal, 1 different
  retention: no row is too old
  to refresh: 1 hourly and 1 daily buckets
✗ {1}
  not_csv: Only CSV files are allowed: the name must end in {2}.
2 files: 1 with rejects, 1 failed
"""


def test_a_dry_run_has_the_warnings_of_the_import(settings: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "excel.csv"
    path.write_text(f'{HEADER}"=""00123""",2024-07-01T02:30:00Z,1\nb,2024-07-01T02:30:00Z,1\n')
    dry = sensorflow("import", "--dry-run", str(path), **settings)
    assert dry.returncode == 0, dry.stderr
    done = sensorflow("import", str(path), **settings)
    for outcome in (dry, done):
        assert "\n  warning formula_id: 1 rows (lines 2). Ids begin with =" in outcome.stdout


def test_an_unreachable_database_is_reported(settings: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "good.csv"
    path.write_text(LATE)
    away = {"SENSORFLOW_DATABASE_URL": "postgresql://u:hunter2@127.0.0.1:1/d"}
    outcome = sensorflow("import", str(path), **(settings | away))
    assert outcome.returncode == 4
    assert "database_unavailable: Nothing answers at 127.0.0.1:1 (Conn" in outcome.stdout
    assert "hunter2" not in outcome.stdout + outcome.stderr


async def test_cancelled_the_run_ends_its_import_after_the_current_batch(
    context: ImportContext,
    imports: ImportService,
    display: ProgressLines,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(local_run, "POLL_SECONDS", 0.01)
    run = await new_run(context, imports, display)
    running = asyncio.create_task(run.run_to_completion())

    def interrupt(current: Import) -> None:
        if current.counts.read:
            running.cancel()

    display.show_import.side_effect = interrupt  # type: ignore[attr-defined]  # it is a mock
    with pytest.raises(asyncio.CancelledError):
        await running
    outcome = await outcome_of(context.pool, run.import_id)
    assert outcome.state == "cancelled"
    assert 0 < outcome.counts.inserted == len(await rows_of(context.pool)) < ROWS


async def test_workers_leave_the_import_alone_until_the_process_is_gone(
    context: ImportContext, migrated_url: str, settings: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "weather.csv"
    path.write_text(sample_lines(ROWS))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "import", str(path)),
        env=os.environ | settings | {"SENSORFLOW_WORKER_LEASE_SECONDS": "2"},
    )
    while await context.pool.fetchval("SELECT state FROM imports") != "loading":
        assert process.returncode is None
        await asyncio.sleep(0.01)
    process.kill()
    await process.wait()
    import_id = await context.pool.fetchval("SELECT id FROM imports")
    async with worker(migrated_url, StorageSettings(url=settings["SENSORFLOW_STORAGE_URL"])):
        await wait_until_settled(migrated_url, context.pool, import_id)
    outcome = await outcome_of(context.pool, import_id)
    assert (outcome.state, outcome.counts.read) == ("done", ROWS)
    assert outcome.attempt > 1


async def test_a_run_that_is_taken_over_waits_for_the_end_of_the_import(
    context: ImportContext, imports: ImportService, display: ProgressLines
) -> None:
    run = await new_run(context, imports, display)
    other = replace(context, stop=asyncio.Event())
    result, _ = await asyncio.gather(
        run.run_to_completion(), run_import_job(other, run.import_id, 0)
    )
    assert result.state == "done"
    assert (await outcome_of(context.pool, run.import_id)).counts == ImportCounts(ROWS, ROWS)


async def test_after_its_retries_a_run_leaves_the_import_to_the_workers(
    context: ImportContext,
    imports: ImportService,
    display: ProgressLines,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(local_run, "MAX_RETRIES", 0)
    broken = create_autospec(Storage, instance=True)
    broken.keys.side_effect = StorageError("The disk is gone")
    run = await new_run(context, imports, display)
    failing = replace(run, context=replace(context, storage=broken))
    with pytest.raises(RetriesExhaustedError, match=f"The disk is gone.*{run.import_id}"):
        await failing.run_to_completion()
    assert await context.pool.fetchval("SELECT count(*) FROM queue.pgqueuer") == 1
