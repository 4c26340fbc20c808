"""The server: versions, edition, clock, background workers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from cli.doctor.check import Results
from cli.doctor.results import CheckResult, failed, passed, skipped, warning
from core.database import Connection, shares_one_session
from core.policies import GUIDE
from core.queries import queries
from core.time import utc_now

# The oldest that are supported: docs/deployment.md.
OLDEST_POSTGRESQL = 150000
OLDEST_TIMESCALEDB = (2, 22)

# From these minor releases on every job of a TimescaleDB fails that is older than those: of each
# version the first release with the fix. Sources: docs/deployment.md.
STRICT_POSTGRESQL = {15: 20, 16: 16, 17: 12, 18: 7}
FITTING_TIMESCALEDB = {(2, 27): 3, (2, 28): 4, (2, 31): 2, (2, 32): 1}

Release: TypeAlias = tuple[int, int, int]

MAX_SKEW = timedelta(seconds=5)
NOTICEABLE_SKEW = timedelta(seconds=1)

MIN_BACKGROUND_WORKERS = 3
RESERVED_PROCESSES = 3  # the launcher, a scheduler, and replication's


async def check_versions(connection: Connection) -> Results:
    """PostgreSQL and TimescaleDB: supported, of the right edition, and fitting each other."""
    versions = await queries().server_versions(connection)
    if versions is None:
        yield failed(
            "TimescaleDB is not installed in this database",
            "Readings are stored in its hypertables.",
            "As a superuser: CREATE EXTENSION timescaledb; then sensorflow migrate.",
        )
        return
    for result in version_results(versions):
        yield result


def version_results(versions: Any) -> Iterator[CheckResult]:
    """The results for a row of `server_versions`."""
    name = f"PostgreSQL {versions['postgresql']} with TimescaleDB {versions['timescaledb']}"
    found = [*_edition(versions), *_support(versions, name), *_update(versions)]
    yield from found or [passed(f"{name}, Community edition")]
    if versions["is_embedded"]:
        yield skipped("the embedded engine: for development, demos and tests only")


def _edition(versions: Any) -> Iterator[CheckResult]:
    if versions["license"] != "timescale":
        yield failed(
            f"TimescaleDB's license is {versions['license']}, the Apache edition",
            "It has neither continuous aggregates nor the columnstore.",
            "Install the Community edition, set timescaledb.license = 'timescale', and restart.",
        )


def _support(versions: Any, name: str) -> Iterator[CheckResult]:
    release = _parts(versions["timescaledb"])
    if versions["server_number"] < OLDEST_POSTGRESQL or release[:2] < OLDEST_TIMESCALEDB:
        yield failed(
            f"{name}: older than what is supported",
            "Statements of this release may fail, or return what was not tested.",
            "Use PostgreSQL 15 or newer and TimescaleDB 2.22 or newer.",
        )
    elif not versions["has_succeeded"] and fails_every_job(versions["server_number"], release):
        yield failed(
            f"{name}: two releases that do not fit each other, and no job has succeeded",
            "Each job fails at its end, so TimescaleDB materialises and compresses nothing.",
            f"Update TimescaleDB. {GUIDE}",
        )


def _update(versions: Any) -> Iterator[CheckResult]:
    loaded, installed = versions["timescaledb"], versions["installed"] or "0"
    if _parts(installed) > _parts(loaded):
        yield warning(
            f"TimescaleDB {installed} is installed, but this database still uses {loaded}",
            "Fixes of the newer release are not in effect.",
            "In a new session, as the first statement: ALTER EXTENSION timescaledb UPDATE;",
        )


def fails_every_job(server_number: int, timescaledb: Release) -> bool:
    """Whether PostgreSQL refuses the end of every job of that release of TimescaleDB."""
    major, minor = divmod(server_number, 10000)
    if minor < STRICT_POSTGRESQL.get(major, 0):
        return False
    line = timescaledb[:2]
    if line > max(FITTING_TIMESCALEDB):
        return False
    fitting = FITTING_TIMESCALEDB.get(line)
    return fitting is None or timescaledb[2] < fitting


def _parts(version: str) -> Release:
    """Of 2.28.3 or 2.30.0-dev its three numbers."""
    numbers = [int(part) for part in version.split("-", maxsplit=1)[0].split(".")]
    major, minor, patch, *_ = [*numbers, 0, 0]
    return major, minor, patch


async def check_clock(connection: Connection) -> Results:
    """This machine's clock against the database's."""
    before = utc_now()
    server: datetime = await queries().server_clock(connection)
    after = utc_now()
    yield clock_result(server.astimezone(UTC), before, after)


def clock_result(server: datetime, before: datetime, after: datetime) -> CheckResult:
    """The server's clock was read between the other two moments."""
    skew = max(before - server, server - after, timedelta())
    if skew <= NOTICEABLE_SKEW:
        return passed("clock: agrees with the database's")
    report = warning if skew <= MAX_SKEW else failed
    return report(
        f"clock: {skew.total_seconds():.0f} s {'ahead of' if before > server else 'behind'} "
        "the database's",
        "Readings are refused as from the future, leases end early, tokens are not yet valid.",
        "Synchronise the clocks of both machines (NTP, chrony).",
    )


async def check_background_workers(connection: Connection) -> Results:
    """Whether the server has processes for TimescaleDB's jobs."""
    if await shares_one_session(connection):
        yield skipped("the embedded engine runs the jobs itself")
        return
    for result in worker_results(await queries().background_workers(connection)):
        yield result


def worker_results(workers: Any) -> Iterator[CheckResult]:
    """The results for a row of `background_workers`."""
    background, processes = workers["max_background_workers"] or 0, workers["max_processes"]
    found = [*_scheduler(workers), *_too_few(workers, background, processes)]
    numbers = f"{background} of {processes} processes for {workers['jobs']} jobs"
    yield from found or [passed(f"background workers: {numbers}")]
    if workers["has_scheduler"] is None:
        yield skipped("scheduler: this role may not see it (GRANT pg_read_all_stats)")


def _scheduler(workers: Any) -> Iterator[CheckResult]:
    if workers["has_scheduler"] is False:
        yield failed(
            "the scheduler of TimescaleDB's jobs does not run in this database",
            "No job runs: a worker of Sensor Flow does their work, three intervals late.",
            "As the owner: SELECT _timescaledb_functions.start_background_workers(); if that does "
            f"not help, see the server's log. {workers['schedulers']} databases have one, each a "
            f"process of timescaledb.max_background_workers "
            f"({workers['max_background_workers']}).",
        )


def _too_few(workers: Any, background: int, processes: int) -> Iterator[CheckResult]:
    if background < MIN_BACKGROUND_WORKERS:
        yield failed(
            f"timescaledb.max_background_workers is {background}",
            "The launcher, a scheduler a database and each running job need one.",
            "ALTER SYSTEM SET timescaledb.max_background_workers = 16; then restart the server.",
        )
    wanted = background + workers["max_parallel_workers"] + RESERVED_PROCESSES
    if processes < wanted:
        yield warning(
            f"max_worker_processes is {processes}, with {background} background workers and "
            f"{workers['max_parallel_workers']} parallel ones",
            "While queries use the processes, jobs find none and start late.",
            f"ALTER SYSTEM SET max_worker_processes = {wanted}; then restart the server.",
        )
