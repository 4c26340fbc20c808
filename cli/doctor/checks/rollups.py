"""Rollups: behind, ahead of time, late readings that wait, partial hours."""

from datetime import timedelta
from typing import Any

from cli.doctor.check import Results
from cli.doctor.results import CheckResult, failed, passed, skipped, warning
from core.database import Connection
from core.queries import all_rows, queries
from core.time import utc_now

MAX_STALE = timedelta(minutes=15)
MAX_PARTIAL_HOURS_AGE_SECONDS = 120.0


async def check_rollups(connection: Connection) -> Results:
    """Watermarks: neither behind nor in the future."""
    for rollup in await all_rows(queries().rollup_state, connection):
        yield await _watermark(connection, rollup)


async def _watermark(connection: Connection, rollup: Any) -> CheckResult:
    name, watermark, expected = rollup["name"], rollup["watermark"], rollup["expected"]
    if watermark is not None and watermark > rollup["refresh_limit"]:
        return failed(
            f"{name}: its watermark {watermark:%Y-%m-%d %H:%M} UTC is after "
            f"{rollup['refresh_limit']:%Y-%m-%d %H:%M}, up to where it may be refreshed",
            "Readings that come below it are in no answer until they are refreshed: somebody has "
            "refreshed it by hand beyond the limit.",
            "sensorflow audit --from (a week ago) --to (tomorrow) enters what is missing; a worker "
            "refreshes it.",
        )
    if watermark is None or watermark < expected:
        bounds = {"start": watermark, "stop": expected}
        if await queries().has_readings_between(connection, **bounds):
            return failed(
                f"{name}: materialised up to {watermark and f'{watermark:%Y-%m-%d %H:%M} UTC'}, "
                f"should be up to {expected:%Y-%m-%d %H:%M}",
                "Answers are right, but each adds up all readings since.",
                "See background workers and jobs here, and the worker's log (rollups_overdue).",
            )
    return passed(f"{name}: materialised as far as it should be")


async def check_stale_ranges(connection: Connection) -> Results:
    """Late readings that wait for the rollups."""
    ranges = await all_rows(queries().stale_ranges, connection, row_limit=1000)
    due = [item["due_since"] for item in ranges if item["due_since"] is not None]
    if not due or min(due) > utc_now() - MAX_STALE:
        yield passed(f"late readings: {len(ranges)} ranges wait, none for long")
        return
    yield warning(
        f"late readings: {ranges[0]['ranges']} ranges, the oldest since {min(due):%H:%M} UTC",
        "The answers over these ranges lack them, and say so.",
        "See the worker's log (maintenance_failed, rollup_differs), and roles and schema here.",
    )


async def check_partial_hours(connection: Connection) -> Results:
    """Whether the hours that no rollup has yet are added up as readings arrive."""
    state = await queries().partial_hours_age(connection)
    if state["age_seconds"] is None:
        yield skipped("partial hours: no worker has begun them")
    elif state["age_seconds"] <= MAX_PARTIAL_HOURS_AGE_SECONDS:
        yield passed("partial hours: up to date")
    else:
        yield warning(
            f"partial hours: added up to {state['end_ts']:%H:%M:%S} UTC, "
            f"{state['age_seconds']:.0f} s ago; {state['pending']} readings are pending",
            "Answers are right, but each adds up more readings.",
            "A transaction that has been open for long holds it up (see transactions), or there is "
            "no worker.",
        )
