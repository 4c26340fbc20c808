"""Workers and the queue: present, not behind, what failed."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from cli.doctor.check import Results
from cli.doctor.results import CheckResult, failed, passed, warning
from core.database import Connection
from core.queries import all_rows, queries
from core.time import utc_now

MAX_WAIT = timedelta(minutes=10)


async def check_queue(connection: Connection) -> Results:
    """Whether a worker is there, and takes what is due."""
    has_worker = await queries().worker_alive(connection)
    state = await queries().queue_state(connection)
    imports = await all_rows(queries().failed_imports, connection, row_limit=1)
    failures = imports[0]["failed_in_a_day"] if imports else 0
    found = [*_workers(state, has_worker=has_worker), *_waiting(state), *_failures(failures)]
    for result in found or [passed(f"workers: there; {state['queued_jobs']} jobs wait")]:
        yield result


def _workers(state: Any, *, has_worker: bool) -> Iterator[CheckResult]:
    if not has_worker:
        yield failed(
            f"workers: none has sent a heartbeat for 30 s; {state['queued']} imports wait",
            "Readings are stored, but no file is imported and late readings are in no rollup.",
            "Start one: sensorflow worker",
        )


def _waiting(state: Any) -> Iterator[CheckResult]:
    since = state["due_since"]
    if since is not None and since < utc_now() - MAX_WAIT:
        yield warning(
            f"queue: {state['queued_jobs']} jobs wait, the oldest since {since:%Y-%m-%d %H:%M} UTC",
            "Imports are late.",
            "The workers are busy or stuck: start another one, and see the log of those there are.",
        )


def _failures(count: int) -> Iterator[CheckResult]:
    if count:
        yield warning(
            f"imports: {count} failed in the last 24 hours",
            "None of their rows, or not all, are stored.",
            "GET /system and the page Imports say why; correct the file or the options, or retry.",
        )
