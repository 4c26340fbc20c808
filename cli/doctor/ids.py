"""`sensorflow doctor ids`: the equipment ids in the database that are stored otherwise by now.

`sensorflow migrate` reports the first of them. Nothing is changed: whether two ids are one piece of
equipment is for people to say.
"""

from collections.abc import Iterable, Iterator

from cli.doctor.results import CheckResult, Status
from core.database import open_connection
from core.errors import ReadingRejectedError
from core.queries import all_rows, queries
from core.readings import validate_id
from core.settings import DatabaseSettings

MAX_AFTER_MIGRATION = 10


async def check_ids(settings: DatabaseSettings) -> list[CheckResult]:
    """A warning for each id in the database that new readings cannot have, or one that all can.

    Raises DatabaseUnavailableError.
    """
    async with open_connection(settings) as connection:
        ids = [row["id"] for row in await all_rows(queries().known_ids, connection)]
    passed = CheckResult(Status.PASSED, f"ids: {len(ids):,}, all as they are stored now")
    return [*warnings_about(ids)] or [passed]


async def check_ids_after_migration(settings: DatabaseSettings) -> list[CheckResult]:
    """The first of these warnings, and how many more there are."""
    warnings = [result for result in await check_ids(settings) if result.status is Status.WARNING]
    more = len(warnings) - MAX_AFTER_MIGRATION
    if more <= 0:
        return warnings
    rest = CheckResult(Status.WARNING, f"and {more:,} more ids: sensorflow doctor ids")
    return [*warnings[:MAX_AFTER_MIGRATION], rest]


def warnings_about(ids: Iterable[str]) -> Iterator[CheckResult]:
    """A warning for each of the ids, all that there are, that new readings cannot have."""
    stored = set(ids)
    for equipment_id in sorted(stored):
        try:
            normalized = validate_id(equipment_id)
        except ReadingRejectedError as error:
            yield _refused(equipment_id, error.message)
        else:
            if normalized != equipment_id:
                yield _apart(equipment_id, normalized, joins=normalized in stored)


def _refused(equipment_id: str, reason: str) -> CheckResult:
    return CheckResult(
        Status.WARNING,
        f"{equipment_id!a}: new readings are refused, since an id {reason}",
        "Have its sender use another id.",
    )


def _apart(equipment_id: str, normalized: str, *, joins: bool) -> CheckResult:
    other = f"{normalized!a}, {'stored besides' if joins else 'which is new'}"
    return CheckResult(
        Status.WARNING,
        f"{equipment_id!a}: new readings go to {other}",
        "To bring the old ones there, export this id as CSV and import that file.",
    )
