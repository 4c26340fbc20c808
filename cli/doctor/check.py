"""What a check is, what it may use, and how all of them are run."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from cli.doctor.results import CheckResult, Report, failed
from core.database import Connection, database_errors, open_connection
from core.errors import SensorFlowError
from core.settings import ApiSettings, AuthSettings, DatabaseSettings, StorageSettings

CHECK_SECONDS = 30.0

Results: TypeAlias = AsyncIterator[CheckResult]


@dataclass(frozen=True)
class Installation:
    """The settings of what is checked; `owner` sees of the server what the application may not."""

    database: DatabaseSettings
    owner: DatabaseSettings
    storage: StorageSettings
    api: ApiSettings
    auth: AuthSettings
    token: str | None = None


@dataclass(frozen=True)
class Check:
    """A subject, and the function that looks at it."""

    subject: str
    run: Callable[[Installation], Results]
    needs_database: bool = False


def on_database(subject: str, look: Callable[[Connection], Results]) -> Check:
    """A check of what the database tells, over a connection of its own."""

    async def run(installation: Installation) -> Results:
        with database_errors():
            async with open_connection(installation.owner) as connection:
                async for result in look(connection):
                    yield result

    return Check(subject, run, needs_database=True)


async def run_checks(checks: Sequence[Check], installation: Installation) -> list[Report]:
    """The report of each; without a database of those alone that need none."""
    unreachable = await _database_failure(installation)
    if unreachable is None:
        return [await _report(check, installation) for check in checks]
    others = [await _report(check, installation) for check in checks if not check.needs_database]
    return [Report("Database", [unreachable]), *others]


async def _database_failure(installation: Installation) -> CheckResult | None:
    try:
        async with open_connection(installation.owner):
            return None
    except SensorFlowError as error:
        return failed(
            f"connection: {error.message}",
            "Without its database nothing is stored and nothing is answered.",
            "Start it, or correct SENSORFLOW_DATABASE_URL. What is below needs no database.",
        )


async def _report(check: Check, installation: Installation) -> Report:
    """What fails in one check hides no other."""
    report = Report(check.subject)
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            async for result in check.run(installation):
                report.results.append(result)
    except TimeoutError:
        report.results.append(_not_done(f"not done within {CHECK_SECONDS:.0f} s"))
    except Exception as error:  # noqa: BLE001  # whatever it is, it is a result
        report.results.append(_not_done(f"{type(error).__name__}: {error}"))
    return report


def _not_done(reason: str) -> CheckResult:
    return failed(
        f"could not be checked: {reason}",
        "What nobody can look at may be broken.",
        "If the schema is of another release: sensorflow migrate. Otherwise read the server's log.",
    )
