"""`sensorflow doctor`: every planted fault is found, and nothing on a healthy system."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from pydantic import SecretStr

from cli.doctor.check import Check, Installation, Results, run_checks
from cli.doctor.checks import CHECKS, server, sessions
from cli.doctor.checks.chunks import MIN_DEAD_ROWS, size_results
from cli.doctor.results import CheckResult, Status, passed
from core.database import REVISION, Pool, shares_one_session
from core.queries import queries
from core.queue import enqueue_import
from core.settings import ApiSettings, AuthSettings, DatabaseSettings, StorageSettings
from embedded.identity import IdentityProvider, read_accounts
from tests.api.imports.test_imports import new_import, set_state
from tests.api.stored import HOUR, enter, insert, this_hour
from tests.api.system.test_findings import JOB, watermark
from tests.cli.test_commands import sensorflow
from tests.support.policies import failing_job, last_run, policies_switched_off

BAD = {Status.WARNING, Status.FAILED}
WEEK = timedelta(days=7)
START_SECONDS = 20


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("doctor")
    with IdentityProvider.serve(folder, client_origins=["http://127.0.0.1:8000"]) as provider:
        yield provider


@pytest.fixture
def installation(
    migrated_url: str, owner_url: str, tmp_path: Path, provider: IdentityProvider
) -> Installation:
    return Installation(
        database=DatabaseSettings(url=SecretStr(migrated_url)),
        owner=DatabaseSettings(url=SecretStr(owner_url)),
        storage=StorageSettings(url=str(tmp_path / "storage")),
        api=ApiSettings(),
        auth=AuthSettings(issuer=provider.issuer, audience=read_accounts().audience),
    )


@pytest_asyncio.fixture
async def healthy(pool: Pool) -> AsyncIterator[Pool]:
    """A worker is there, and a job has succeeded."""
    await queries().record_worker_heartbeat(pool, id=uuid4())
    later = datetime.now(UTC) + timedelta(hours=1)
    async with last_run(pool, await pool.fetchval(JOB), success=True, next_start=later):
        yield pool


@pytest_asyncio.fixture
async def scheduler(pool: Pool) -> None:
    """The server has a process left for the scheduler of this database, or is the engine."""
    for _ in range(START_SECONDS):
        if (await queries().background_workers(pool))["has_scheduler"]:
            return
        async with pool.acquire() as connection:
            if await shares_one_session(connection):
                return
        await asyncio.sleep(1)
    pytest.skip("the schedulers of other databases take all background workers of the server")


def settings_of(installation: Installation) -> dict[str, str]:
    return {
        "SENSORFLOW_DATABASE_URL": installation.database.url.get_secret_value(),
        "SENSORFLOW_MIGRATE_DATABASE_URL": installation.owner.url.get_secret_value(),
        "SENSORFLOW_STORAGE_URL": installation.storage.url,
        "SENSORFLOW_AUTH_ISSUER": installation.auth.issuer,
        "SENSORFLOW_AUTH_AUDIENCE": installation.auth.audience,
    }


async def found(installation: Installation, subject: str) -> list[CheckResult]:
    """What is wrong with the subject."""
    (check,) = (check for check in CHECKS if check.subject == subject)
    (report,) = await run_checks((check,), installation)
    assert report.results
    return [result for result in report.results if result.status in BAD]


@pytest.mark.usefixtures("healthy", "scheduler")
def test_nothing_is_found_on_a_healthy_system(installation: Installation) -> None:
    outcome = sensorflow("doctor", **settings_of(installation))
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert not {"!", "✗"} & set("".join(line[:4] for line in outcome.stdout.splitlines()[:-1]))
    assert "0 warning" in outcome.stdout
    assert "0 failed" in outcome.stdout
    for check in CHECKS:
        assert f"\n{check.subject}\n" in f"\n{outcome.stdout}"


@pytest.mark.usefixtures("pool", "scheduler")
def test_programs_get_json_and_an_exit_code(installation: Installation) -> None:
    """There is no worker."""
    outcome = sensorflow("doctor", "--json", **settings_of(installation))
    assert outcome.returncode == 1
    answer = json.loads(outcome.stdout)
    assert answer["healthy"] is False
    (broken,) = (result for result in answer["results"] if result["status"] == "failed")
    assert (broken["check"], broken["remedy"]) == (
        "Workers and queue",
        "Start one: sensorflow worker",
    )
    assert broken["why"]


@asynccontextmanager
async def earlier_revision(pool: Pool) -> AsyncIterator[None]:
    await pool.execute("UPDATE alembic_version SET version_num = '0001'")
    try:
        yield
    finally:
        await pool.execute("UPDATE alembic_version SET version_num = $1", REVISION)


@asynccontextmanager
async def no_policy(pool: Pool) -> AsyncIterator[None]:
    await pool.execute("CALL remove_columnstore_policy('readings')")
    try:
        yield
    finally:
        await pool.execute("CALL add_columnstore_policy('readings', after => INTERVAL '45 days')")


@asynccontextmanager
async def watermark_ahead(pool: Pool) -> AsyncIterator[None]:
    async with policies_switched_off(pool), watermark(pool, this_hour() + 5 * HOUR):
        yield


@asynccontextmanager
async def watermark_behind(pool: Pool) -> AsyncIterator[None]:
    async with policies_switched_off(pool), watermark(pool, this_hour() - 10 * HOUR):
        await insert(pool, ("a", this_hour() - 5 * HOUR, 1))
        yield


@asynccontextmanager
async def old_stale_range(pool: Pool) -> AsyncIterator[None]:
    await enter(pool, this_hour() - HOUR, this_hour())
    await pool.execute("UPDATE rollup_dirty_ranges SET created_at = now() - INTERVAL '20 min'")
    yield


@asynccontextmanager
async def partial_hours_left_behind(pool: Pool) -> AsyncIterator[None]:
    await pool.execute(
        "UPDATE partial_hours_range SET start_ts = $1, end_ts = $1, announced_end = $1",
        this_hour() - HOUR,
    )
    yield


@asynccontextmanager
async def uncompressed_chunk(pool: Pool) -> AsyncIterator[None]:
    async with policies_switched_off(pool):
        await insert(pool, ("a", this_hour() - 10 * WEEK, 1))
        await pool.execute(
            "UPDATE _timescaledb_catalog.chunk SET creation_time = now() - interval '99 days'"
        )
        yield


@asynccontextmanager
async def job_that_waits(pool: Pool) -> AsyncIterator[None]:
    async with pool.acquire() as connection:
        await enqueue_import(connection, await new_import(pool))
    await pool.execute(
        "UPDATE queue.pgqueuer SET created = now() - INTERVAL '11 min', "
        "execute_after = now() - INTERVAL '11 min'"
    )
    yield


@asynccontextmanager
async def failed_import(pool: Pool) -> AsyncIterator[None]:
    await set_state(pool, await new_import(pool), "failed", "not_text")
    yield


@asynccontextmanager
async def no_worker(pool: Pool) -> AsyncIterator[None]:
    await pool.execute("TRUNCATE workers")
    yield


@asynccontextmanager
async def idle_transaction(pool: Pool) -> AsyncIterator[None]:
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT 1")
        await asyncio.sleep(1.1)  # longer than what `impatient` allows
        yield


@asynccontextmanager
async def unread_slot(pool: Pool) -> AsyncIterator[None]:
    name = f"planted_{uuid4().hex}"
    await pool.execute("SELECT pg_create_physical_replication_slot($1, true)", name)
    try:
        yield
    finally:
        await pool.execute("SELECT pg_drop_replication_slot($1)", name)


@asynccontextmanager
async def stopped_scheduler(pool: Pool) -> AsyncIterator[None]:
    """If the schedulers of other databases leave it no process, it does not run anyway."""
    await pool.execute("SELECT _timescaledb_functions.stop_background_workers()")
    try:
        yield
    finally:
        await pool.execute("SELECT _timescaledb_functions.start_background_workers()")


@asynccontextmanager
async def dead_rows(pool: Pool) -> AsyncIterator[None]:
    """PostgreSQL counts them a moment after they are dead."""
    await pool.execute("ALTER TABLE ingest_minutes SET (autovacuum_enabled = false)")
    await pool.execute(
        "INSERT INTO ingest_minutes (minute, readings) "
        "SELECT to_timestamp(60 * number), 1 FROM generate_series(0, $1) AS number",
        MIN_DEAD_ROWS,
    )
    await pool.execute("DELETE FROM ingest_minutes")
    counted = "SELECT n_dead_tup > $1 FROM pg_stat_user_tables WHERE relname = 'ingest_minutes'"
    try:
        async with asyncio.timeout(START_SECONDS):
            while not await pool.fetchval(counted, MIN_DEAD_ROWS):  # noqa: ASYNC110  # as above
                await asyncio.sleep(0.2)
        yield
    finally:
        await pool.execute("ALTER TABLE ingest_minutes RESET (autovacuum_enabled)")
        await pool.execute("TRUNCATE ingest_minutes")


@dataclass(frozen=True)
class Fault:
    """It is planted while the block runs; what is said about it contains these words."""

    subject: str
    plant: Callable[[Pool], AbstractAsyncContextManager[Any]]
    message: str
    remedy: str
    needs_native_server: bool = False


JOBS, QUEUE = "Jobs of TimescaleDB", "Workers and queue"
FAULTS = (
    Fault("Roles and schema", earlier_revision, "at revision 0001", "sensorflow migrate"),
    Fault(JOBS, failing_job, "(planted_job of the server): failed", "CALL run_job("),
    Fault(JOBS, policies_switched_off, "switched off", "scheduled => true"),
    Fault(JOBS, no_policy, "readings: no columnstore policy", "add_columnstore_policy"),
    Fault("Rollups", watermark_ahead, "readings_1h: its watermark", "sensorflow audit"),
    Fault("Rollups", watermark_behind, "readings_1h: materialised up to", "rollups_overdue"),
    Fault("Late readings", old_stale_range, "late readings: 1 ranges", "maintenance_failed"),
    Fault("Partial hours", partial_hours_left_behind, "added up to", "transactions"),
    Fault("Columnstore", uncompressed_chunk, "1 chunks should be compressed", "chunk_overdue"),
    Fault(QUEUE, no_worker, "none has sent a heartbeat", "sensorflow worker"),
    Fault(QUEUE, job_that_waits, "queue: 1 jobs wait", "start another one"),
    Fault(QUEUE, failed_import, "imports: 1 failed", "page Imports"),
    Fault("Transactions", idle_transaction, "idle in transaction", "terminate_backend(", True),
    Fault("Replication", unread_slot, "slot planted_", "drop_replication_slot('planted_", True),
    Fault("Background workers", stopped_scheduler, "the scheduler", "start_background", True),
    Fault("Unused space", dead_rows, "ingest_minutes: 100,001 dead rows", "VACUUM", True),
)


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.plant.__name__ for fault in FAULTS])
async def test_a_planted_fault_is_found(
    healthy: Pool, installation: Installation, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with healthy.acquire() as connection:
        if fault.needs_native_server and await shares_one_session(connection):
            pytest.skip("the embedded engine has one session and no background workers")
    monkeypatch.setattr(sessions, "IDLE_SECONDS", 1.0)
    async with fault.plant(healthy):
        results = await found(installation, fault.subject)
    said = [(result.message, result.remedy) for result in results]
    assert any(fault.message in message and fault.remedy in remedy for message, remedy in said)


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_storage_that_takes_nothing_is_found(
    installation: Installation, tmp_path: Path
) -> None:
    (tmp_path / "imports").write_text("a file where the folder should be")
    broken = replace(installation, storage=StorageSettings(url=str(tmp_path)))
    (result,) = await found(broken, "Storage")
    assert "cannot write" in result.message
    assert files_in(tmp_path) == [tmp_path / "imports"]


async def test_nothing_is_left_in_the_storage(installation: Installation) -> None:
    assert await found(installation, "Storage") == []
    assert files_in(Path(installation.storage.url)) == []


async def test_a_provider_that_does_not_answer_is_found(installation: Installation) -> None:
    auth = AuthSettings(issuer="http://127.0.0.1:1", audience="a")
    (result,) = await found(replace(installation, auth=auth), "Sign-in")
    assert "SENSORFLOW_AUTH_ISSUER" in result.remedy


async def test_settings_that_do_not_go_together_are_found(installation: Installation) -> None:
    public = replace(
        installation,
        database=DatabaseSettings(url=SecretStr("postgresql://u:hunter2@db.example.org/x")),
        api=ApiSettings(public_url="https://sensors.example.org"),
        auth=AuthSettings(issuer="https://i", audience="a", shown_accounts={"guest": "hunter3"}),
    )
    results = await found(public, "Settings")
    assert [result.message.split(":")[0].split(" ")[0] for result in results] == [
        "SENSORFLOW_DATABASE_URL",
        "SENSORFLOW_AUTH_SHOWN_ACCOUNTS",
        "SENSORFLOW_API_TRUSTED_PROXIES",
    ]
    assert "hunter" not in str(results)
    encrypted = DatabaseSettings(url=SecretStr("postgresql://u@db.example.org/x?sslmode=require"))
    assert await found(replace(installation, database=encrypted), "Settings") == []


async def test_without_a_database_the_rest_is_checked(installation: Installation) -> None:
    nowhere = DatabaseSettings(url=SecretStr("postgresql://u:hunter2@127.0.0.1:1/x"))
    reports = await run_checks(CHECKS, replace(installation, database=nowhere, owner=nowhere))
    subjects = [report.subject for report in reports]
    assert subjects == ["Database", "Settings", "Storage", "Sign-in"]
    assert "Nothing answers at 127.0.0.1:1" in reports[0].results[0].message
    assert "hunter2" not in str(reports)


async def raise_something(_installation: Installation) -> Results:
    yield passed("the first")
    raise ZeroDivisionError("something")


async def never_end(_installation: Installation) -> Results:
    await asyncio.Event().wait()
    yield passed("never")


async def test_a_check_that_fails_or_hangs_hides_no_other(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.doctor.check.CHECK_SECONDS", 0.1)
    checks = (Check("raises", raise_something), Check("hangs", never_end))
    last = next(check for check in CHECKS if check.subject == "Settings")
    raised, hung, settings = await run_checks((*checks, last), installation)
    assert [result.message for result in raised.results] == [
        "the first",
        "could not be checked: ZeroDivisionError: something",
    ]
    assert "not done within" in hung.results[0].message
    assert settings.results[0].status is Status.PASSED


VERSIONS = {
    "server_number": 150019,
    "postgresql": "15.19",
    "is_embedded": False,
    "timescaledb": "2.28.3",
    "installed": "2.28.3",
    "license": "timescale",
    "has_succeeded": False,
}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({}, "PostgreSQL 15.19 with TimescaleDB 2.28.3, Community edition"),
        ({"license": "apache"}, "the Apache edition"),
        ({"server_number": 140000}, "older than what is supported"),
        ({"timescaledb": "2.21.4", "installed": "2.21.4"}, "older than what is supported"),
        ({"installed": "2.28.5"}, "2.28.5 is installed, but this database still uses 2.28.3"),
        ({"server_number": 150020}, "do not fit each other"),
        ({"server_number": 150020, "has_succeeded": True}, "Community edition"),
    ],
)
def test_versions(changed: dict[str, Any], message: str) -> None:
    (result,) = server.version_results(VERSIONS | changed)
    assert message in result.message
    assert (result.status in BAD) == bool(result.remedy)


@pytest.mark.parametrize(
    ("server_number", "timescaledb", "fails"),
    [
        (150019, (2, 28, 3), False),
        (150020, (2, 28, 3), True),
        (150020, (2, 28, 4), False),
        (160016, (2, 27, 2), True),
        (160016, (2, 27, 3), False),
        (170012, (2, 29, 2), True),
        (170011, (2, 32, 0), False),
        (180007, (2, 32, 0), True),
        (180007, (2, 32, 1), False),
        (180007, (2, 33, 0), False),
        (190000, (2, 33, 0), False),
    ],
)
def test_pairs_of_versions(
    server_number: int, timescaledb: tuple[int, int, int], *, fails: bool
) -> None:
    assert server.fails_every_job(server_number, timescaledb) is fails


WORKERS = {
    "max_processes": 32,
    "max_background_workers": 16,
    "max_parallel_workers": 8,
    "jobs": 4,
    "schedulers": 1,
    "has_scheduler": True,
}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, ["16 of 32 processes for 4 jobs"]),
        ({"max_background_workers": 1}, ["max_background_workers is 1"]),
        ({"max_processes": 8}, ["max_worker_processes = 27"]),
        ({"has_scheduler": None}, ["16 of 32", "may not see it"]),
        ({"has_scheduler": False, "schedulers": 15}, ["15 databases have one"]),
    ],
)
def test_background_workers(changed: dict[str, Any], words: list[str]) -> None:
    results = list(server.worker_results(WORKERS | changed))
    for result, expected in zip(results, words, strict=True):
        assert expected in result.message + result.remedy


@pytest.mark.parametrize(
    ("chunks", "latest", "words"),
    [(10, 1, "10; the latest two"), (2001, 1, "4 weeks"), (10, 3 * 2**30, "shared_buffers 1,024")],
)
def test_sizes_of_chunks(chunks: int, latest: int, words: str) -> None:
    sizes = {"chunks": chunks, "latest_bytes": latest, "buffer_bytes": 2**30}
    (result,) = size_results(sizes)
    assert words in result.message + result.remedy


@pytest.mark.parametrize(
    ("sessions_open", "status"),
    [(80, Status.PASSED), (81, Status.WARNING), (None, Status.SKIPPED)],
)
def test_connections(sessions_open: int | None, status: Status) -> None:
    assert sessions.connection_result(sessions_open, 100).status is status


@pytest.mark.parametrize(
    ("skew", "status", "word"),
    [
        (0.5, Status.PASSED, "agrees"),
        (3, Status.WARNING, "3 s behind"),
        (-3, Status.WARNING, "3 s ahead of"),
        (10, Status.FAILED, "10 s behind"),
    ],
)
def test_clocks(skew: float, status: Status, word: str) -> None:
    """A slow answer is no skew."""
    before = datetime(2026, 1, 1, tzinfo=UTC)
    result = server.clock_result(before + timedelta(seconds=skew), before, before)
    assert (result.status, word in result.message) == (status, True)
    slow = server.clock_result(before + timedelta(seconds=7), before, before + timedelta(seconds=9))
    assert slow.status is Status.PASSED


def test_help_says_what_is_checked_and_what_the_exit_codes_mean() -> None:
    shown = sensorflow("doctor", "--help", COLUMNS="120").stdout
    for words in ("SENSORFLOW_MIGRATE_DATABASE_URL", "--json", "Exits with 0", "docs/doctor.md"):
        assert words in shown
    assert {"auth", "database", "ids"} <= set(shown.split())
