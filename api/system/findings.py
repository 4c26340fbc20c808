"""What of the system's state needs attention: each rule with the limit from which it applies."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import structs, to_builtins

from api.system.schemas import Finding, FindingCode, Policy, Severity, SystemState

# A refresh of the ledger takes seconds, one behind a long import minutes.
MAX_STALE = timedelta(minutes=15)
MAX_WAIT = timedelta(minutes=10)
# A worker rolls forward every five seconds; a transaction that writes for long holds it up.
MAX_ROLLED_BEHIND = timedelta(minutes=5)
# A policy that TimescaleDB has not begun so long after it was due.
MAX_DELAY = timedelta(hours=1)
# A worker audits a day every five minutes.
MAX_WITHOUT_AUDIT = timedelta(hours=1)
SHOWN_AFTER_WRONG = timedelta(days=1)
MAX_USED_SESSIONS = 0.9

ORDER = list(Severity)


def findings_in(state: SystemState, now: datetime) -> list[Finding]:
    """The findings, the worst first."""
    found = [
        *_schema(state),
        *_unreadable(state),
        *_workers(state),
        *_rollups(state),
        *_partial_hours(state, now),
        *_stale_ranges(state, now),
        *_queue(state, now),
        *_policies(state, now),
        *_audits(state, now),
        *_sessions(state),
        *_failed_imports(state),
    ]
    return sorted(found, key=lambda finding: ORDER.index(finding.severity))


def _finding(
    code: FindingCode, severity: Severity, **values: datetime | int | str | None
) -> Finding:
    """With the values that are known."""
    known = {name: value for name, value in values.items() if value is not None}
    return Finding(code, severity, to_builtins(known))


def _is_behind(state: SystemState) -> bool:
    database = state.database
    return database is not None and (database.revision or "") < database.expected_revision


def _schema(state: SystemState) -> Iterator[Finding]:
    if state.database is not None and _is_behind(state):
        yield _finding(
            FindingCode.SCHEMA_BEHIND,
            Severity.CRITICAL,
            revision=state.database.revision,
            expectedRevision=state.database.expected_revision,
        )


def _unreadable(state: SystemState) -> Iterator[Finding]:
    """None while the schema is behind, which is the reason then."""
    for field in () if _is_behind(state) else structs.fields(state):
        if getattr(state, field.name) is None:
            yield _finding(FindingCode.PART_UNREADABLE, Severity.NOTICE, part=field.encode_name)


def _has_worker(state: SystemState) -> bool:
    """Whether there is one, as far as is known."""
    return state.workers is None or any(worker.is_present for worker in state.workers)


def _workers(state: SystemState) -> Iterator[Finding]:
    if not _has_worker(state):
        yield _finding(
            FindingCode.WORKER_ABSENT,
            Severity.CRITICAL,
            seenAt=state.workers[0].seen_at if state.workers else None,
            imports=state.queue.queued if state.queue is not None else None,
        )


def _rollups(state: SystemState) -> Iterator[Finding]:
    for rollup in state.rollups.items if state.rollups is not None else ():
        if rollup.is_behind:
            yield _finding(
                FindingCode.ROLLUP_BEHIND,
                Severity.WARNING,
                rollup=rollup.name,
                watermark=rollup.watermark,
                jobId=_refreshing_job(state, rollup.name),
            )


def _refreshing_job(state: SystemState, rollup: str) -> int | None:
    """The policy that adds to the rollup, if it is known."""
    jobs = [policy.job_id for policy in state.policies or () if policy.target == rollup]
    return jobs[0] if jobs else None


def _partial_hours(state: SystemState, now: datetime) -> Iterator[Finding]:
    """Without a worker they stay where they are, which is a finding of its own."""
    if state.rollups is None or not _has_worker(state):
        return
    partial = state.rollups.partial_hours
    if partial.end is not None and partial.end < now - MAX_ROLLED_BEHIND:
        yield _finding(
            FindingCode.PARTIAL_HOURS_BEHIND,
            Severity.WARNING,
            since=partial.end,
            readings=partial.pending_readings,
        )


def _stale_ranges(state: SystemState, now: datetime) -> Iterator[Finding]:
    """Without a worker they wait for one, which is a finding of its own."""
    if state.stale_ranges is None or not _has_worker(state):
        return
    due = [item.due_since for item in state.stale_ranges.items if item.due_since is not None]
    if due and min(due) < now - MAX_STALE:
        yield _finding(
            FindingCode.RANGES_STALE,
            Severity.WARNING,
            since=min(due),
            ranges=state.stale_ranges.total,
        )


def _queue(state: SystemState, now: datetime) -> Iterator[Finding]:
    queue = state.queue
    if queue is None or queue.due_since is None or not _has_worker(state):
        return
    if queue.due_since < now - MAX_WAIT:
        yield _finding(
            FindingCode.IMPORTS_WAITING,
            Severity.WARNING,
            since=queue.due_since,
            imports=queue.queued,
        )


def _policies(state: SystemState, now: datetime) -> Iterator[Finding]:
    for policy in state.policies or ():
        code = _fault(policy, now)
        if code is not None:
            yield _finding(
                code,
                Severity.WARNING,
                jobId=policy.job_id,
                target=policy.target,
                error=policy.error,
                failuresInARow=policy.failures_in_a_row or None,
                lastRunAt=policy.last_run_at,
                nextRunAt=policy.next_run_at,
            )


def _fault(policy: Policy, now: datetime) -> FindingCode | None:
    if not policy.is_scheduled:
        return FindingCode.POLICY_OFF
    if policy.has_failed:
        return FindingCode.POLICY_FAILED
    if policy.next_run_at is not None and policy.next_run_at < now - MAX_DELAY:
        return FindingCode.POLICY_NOT_RUN
    return None


def _audits(state: SystemState, now: datetime) -> Iterator[Finding]:
    audits = state.audits
    if audits is None:
        return
    if audits.wrong_at is not None and audits.wrong_at > now - SHOWN_AFTER_WRONG:
        yield _finding(
            FindingCode.AUDIT_FOUND_WRONG_BUCKETS,
            Severity.WARNING,
            at=audits.wrong_at,
            day=audits.wrong_day,
        )
    if audits.audited_at is None or not _has_worker(state):
        return
    if audits.audited_at < now - MAX_WITHOUT_AUDIT:
        yield _finding(FindingCode.AUDIT_OVERDUE, Severity.NOTICE, at=audits.audited_at)


def _sessions(state: SystemState) -> Iterator[Finding]:
    database = state.database
    if database is None or database.sessions is None:
        return
    if database.sessions > MAX_USED_SESSIONS * database.max_sessions:
        yield _finding(
            FindingCode.CONNECTIONS_NEARLY_USED_UP,
            Severity.WARNING,
            sessions=database.sessions,
            maxSessions=database.max_sessions,
        )


def _failed_imports(state: SystemState) -> Iterator[Finding]:
    if state.failed_imports is not None and state.failed_imports.last_day > 0:
        yield _finding(
            FindingCode.IMPORTS_FAILED, Severity.NOTICE, imports=state.failed_imports.last_day
        )
