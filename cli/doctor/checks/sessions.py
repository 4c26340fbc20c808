"""Sessions of the server: connections, transactions that stay open, replicas."""

from collections.abc import Iterator
from typing import Any

from cli.doctor.check import Results
from cli.doctor.results import CheckResult, passed, skipped, warning
from core.database import Connection
from core.queries import all_rows, queries

MAX_USED = 0.8
IDLE_SECONDS = 300.0
OPEN_SECONDS = 3600.0
MAX_LAG_SECONDS = 60.0


async def check_connections(connection: Connection) -> Results:
    """How many sessions there are, of how many there may be."""
    state = await queries().database_state(connection)
    yield connection_result(state["sessions"], state["max_sessions"])


def connection_result(sessions: int | None, most: int) -> CheckResult:
    """`sessions` is None where the server counts none."""
    if sessions is None:
        return skipped("connections: the embedded engine counts none")
    message = f"connections: {sessions} of {most} (max_connections)"
    if sessions <= MAX_USED * most:
        return passed(message)
    return warning(
        message,
        "When there is none left, requests are answered 503.",
        "Raise max_connections, or lower SENSORFLOW_DATABASE_POOL_SIZE (a process has that many "
        "and six more).",
    )


async def check_transactions(connection: Connection) -> Results:
    """Transactions that are idle, or open for long."""
    sessions = await all_rows(
        queries().idle_transactions,
        connection,
        idle_seconds=IDLE_SECONDS,
        open_seconds=OPEN_SECONDS,
    )
    for session in sessions:
        yield warning(
            f"session {session['pid']} of {session['login']} ({session['application_name'] or '-'})"
            f": {session['state']}, its transaction open for {session['seconds']:.0f} s",
            "What it has read or locked stays: vacuum frees nothing, migrations and compression "
            "wait.",
            f"End it: SELECT pg_terminate_backend({session['pid']}); and have its program commit.",
        )
    if not sessions:
        yield passed("transactions: none idle or open for long")


async def check_replication(connection: Connection) -> Results:
    """Replicas that are behind, and slots that nobody reads."""
    slots = await all_rows(queries().replication_slots, connection)
    replicas = await all_rows(queries().replicas, connection)
    found = [*_unused(slots), *_behind(replicas)]
    for result in found or [passed(f"replication: {len(replicas)} replicas, {len(slots)} slots")]:
        yield result


def _unused(slots: list[Any]) -> Iterator[CheckResult]:
    for slot in slots:
        if not slot["is_active"]:
            held = (slot["held_bytes"] or 0) / 2**20
            yield warning(
                f"replication slot {slot['name']}: not read, and holds {held:,.0f} MiB of WAL",
                "The WAL that it holds grows until the disk is full.",
                f"Start its replica, or: SELECT pg_drop_replication_slot('{slot['name']}');",
            )


def _behind(replicas: list[Any]) -> Iterator[CheckResult]:
    for replica in replicas:
        if (replica["lag_seconds"] or 0) > MAX_LAG_SECONDS:
            yield warning(
                f"replica {replica['name']}: {replica['lag_seconds']:.0f} s behind",
                "What it lacks is lost if it takes over.",
                "See its log, disk and network; a long query there holds it up "
                "(max_standby_streaming_delay).",
            )
