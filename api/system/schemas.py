from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct, field


class Severity(StrEnum):
    """How bad a finding is, the worst first."""

    CRITICAL = "critical"
    WARNING = "warning"
    NOTICE = "notice"


class FindingCode(StrEnum):
    """What needs attention; docs/api.md has the remedies."""

    SCHEMA_BEHIND = "schema_behind"
    WORKER_ABSENT = "worker_absent"
    ROLLUP_BEHIND = "rollup_behind"
    PARTIAL_HOURS_BEHIND = "partial_hours_behind"
    RANGES_STALE = "ranges_stale"
    IMPORTS_WAITING = "imports_waiting"
    POLICY_FAILED = "policy_failed"
    POLICY_NOT_RUN = "policy_not_run"
    POLICY_OFF = "policy_off"
    AUDIT_FOUND_WRONG_BUCKETS = "audit_found_wrong_buckets"
    AUDIT_OVERDUE = "audit_overdue"
    CONNECTIONS_NEARLY_USED_UP = "connections_nearly_used_up"
    IMPORTS_FAILED = "imports_failed"
    PART_UNREADABLE = "part_unreadable"


class Finding(Struct, frozen=True):
    """What needs attention; `values` are the figures, by the names in docs/api.md.

    Those named after a moment, such as `since` and `seenAt`, are timestamps.
    """

    code: FindingCode
    severity: Severity
    values: dict[str, int | str]


class IngestMinute(Struct, frozen=True):
    """The readings that were stored in the minute."""

    start: datetime
    readings: int


class Ingest(Struct, frozen=True, rename="camel"):
    """Readings that were stored, new ones and replaced ones, by whatever process.

    The last minute is the last full one; the last hour and day include the current minute.
    `minutes` are those of the last hour that have any.
    """

    last_minute: int
    last_hour: int
    last_day: int
    minutes: list[IngestMinute]


class Queue(Struct, frozen=True, rename="camel"):
    """Unfinished imports by state, and the jobs that workers take; `dueSince` is the oldest's."""

    awaiting_upload: int
    queued: int
    loading: int
    aggregating: int
    queued_jobs: int
    picked_jobs: int
    due_since: datetime | None


class Rollup(Struct, frozen=True, rename="camel"):
    """A rollup is materialised up to its watermark, null before the first refresh.

    Answers add up the readings after the watermark, so these are never missing. `isBehind` means
    that there are some which should have been materialised by now.
    """

    name: str
    watermark: datetime | None
    refresh_limit: datetime
    is_behind: bool


class PartialHours(Struct, frozen=True, rename="camel"):
    """What no rollup holds is added up until `end`, null while it is not; then rows are read.

    A pending reading was written behind that end and is not added up yet; 100,000 are counted.
    """

    end: datetime | None
    pending_readings: int


class RefreshLease(Struct, frozen=True, rename="camel"):
    """Who refreshes the rollups; null what the server does not tell."""

    holder: UUID
    renewed_at: datetime
    address: str | None
    connected_at: datetime | None


class Rollups(Struct, frozen=True, rename="camel"):
    """The rollups, what they lack, and the lease on refreshing them, null while nobody holds it."""

    items: list[Rollup]
    partial_hours: PartialHours
    lease: RefreshLease | None


class WaitingRange(Struct, frozen=True, rename="camel"):
    """A range with late rows that the rollups may lack; `dueSince` null: its import still loads."""

    start: datetime = field(name="from")
    end: datetime = field(name="to")
    stale_since: datetime
    due_since: datetime | None


class StaleRanges(Struct, frozen=True):
    """The ranges that have been stale for longest, and how many there are in all."""

    total: int
    items: list[WaitingRange]


class Worker(Struct, frozen=True, rename="camel"):
    """A worker process, present if it has sent a heartbeat within the last 30 seconds."""

    worker_id: UUID
    seen_at: datetime
    is_present: bool


class Audits(Struct, frozen=True, rename="camel"):
    """How many days were audited, how many buckets were wrong, and when and where the last were."""

    days: int
    wrong_buckets: int
    audited_at: datetime | None
    wrong_at: datetime | None
    wrong_day: datetime | None


class FailedImport(Struct, frozen=True, rename="camel"):
    """An import that failed."""

    import_id: UUID
    file_name: str
    code: str
    message: str
    finished_at: datetime


class FailedImports(Struct, frozen=True, rename="camel"):
    """The latest failed imports of a week, and how many failed in the last day."""

    last_day: int
    items: list[FailedImport]


class Policy(Struct, frozen=True, rename="camel"):
    """A job of TimescaleDB; null what it does not tell, such as before the first run."""

    job_id: int
    procedure: str
    target: str
    every_seconds: float
    is_scheduled: bool
    next_run_at: datetime | None
    last_run_at: datetime | None
    last_success_at: datetime | None
    has_failed: bool
    runs: int | None
    failures: int | None
    failures_in_a_row: int | None
    error: str | None


class Database(Struct, frozen=True, rename="camel"):
    """The server, its edition of TimescaleDB (`timescale` is Community), and its connections."""

    postgresql: str
    timescaledb: str
    license: str | None
    revision: str | None
    expected_revision: str
    sessions: int | None
    max_sessions: int


class Storage(Struct, frozen=True, rename="camel"):
    """The chunks of the readings; `horizon` is the timestamp before which retention drops them."""

    chunks: int
    columnstore_chunks: int
    first_start: datetime | None
    last_end: datetime | None
    readings_bytes: int | None
    database_bytes: int
    horizon: datetime | None


class SystemState(Struct, frozen=True, rename="camel", kw_only=True):
    """The parts of the system's state; null what could not be read."""

    ingest: Ingest | None
    queue: Queue | None
    rollups: Rollups | None
    stale_ranges: StaleRanges | None
    workers: list[Worker] | None
    audits: Audits | None
    failed_imports: FailedImports | None
    policies: list[Policy] | None
    database: Database | None
    storage: Storage | None


class System(SystemState, frozen=True, rename="camel", kw_only=True):
    """The state of the system as of `asOf`, and what needs attention, the worst first.

    A part that could not be read is null, and a finding names it.
    """

    as_of: datetime
    findings: list[Finding]
