"""The tables as SQLAlchemy metadata. Migrations create them; a test compares the two."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData()

Timestamp = DateTime(timezone=True)
NOW = text("now()")
ZERO = text("0")

readings = Table(
    "readings",
    metadata,
    Column("equipment_id", Text, nullable=False),
    Column("ts", Timestamp, nullable=False),
    Column("value", Double, nullable=False),
    Column("register_time", Timestamp, nullable=False, server_default=NOW),
    PrimaryKeyConstraint("equipment_id", "ts", name="readings_key"),
)

imports = Table(
    "imports",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("object_key", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False, server_default=ZERO),
    Column("tries", Integer, nullable=False, server_default=ZERO),
    Column("lines_done", BigInteger, nullable=False, server_default=ZERO),
    Column("rows_read", BigInteger, nullable=False, server_default=ZERO),
    Column("rows_inserted", BigInteger, nullable=False, server_default=ZERO),
    Column("rows_replaced", BigInteger, nullable=False, server_default=ZERO),
    Column("rows_unchanged", BigInteger, nullable=False, server_default=ZERO),
    Column("rows_rejected", BigInteger, nullable=False, server_default=ZERO),
    Column("first_ts", Timestamp),
    Column("last_ts", Timestamp),
    Column("error_code", Text),
    Column("error_message", Text),
    Column("created_at", Timestamp, nullable=False, server_default=NOW),
    Column("started_at", Timestamp),
    Column("finished_at", Timestamp),
    Column("sha256", LargeBinary),
    Column("duplicate_of", Uuid),
    Column("options", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("announced_sha256", LargeBinary),
    Column("uploaded_at", Timestamp, server_default=NOW),
    Column("bytes_done", BigInteger, nullable=False, server_default=ZERO),
    Column("bytes_total", BigInteger),
    Column("loading_since", Timestamp),
    Column("rows_before", BigInteger, nullable=False, server_default=ZERO),
    Column("progress_at", Timestamp),
    Column("rejects_generation", Integer, nullable=False, server_default=ZERO),
    Column("repairing", Boolean, nullable=False, server_default=text("false")),
    Column("repair_key", Text),
    Column("repair_at", Timestamp),
    Column("repair_lines_done", BigInteger, nullable=False, server_default=ZERO),
    Column("object_e_tag", Text),
    Column("warnings", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("rows_skipped", BigInteger, nullable=False, server_default=ZERO),
    Column("created_by_name", Text),
    PrimaryKeyConstraint("id", name="imports_key"),
    ForeignKeyConstraint(
        ["duplicate_of"], ["imports.id"], name="imports_duplicate_of", ondelete="SET NULL"
    ),
    CheckConstraint(
        "rows_read = rows_inserted + rows_replaced + rows_unchanged + rows_skipped + rows_rejected",
        name="imports_every_row_accounted_for",
    ),
    Index("imports_by_checksum", "sha256"),
    Index(
        "imports_awaiting_upload",
        "created_at",
        postgresql_where=text("state = 'awaiting_upload'"),
    ),
    Index(
        "imports_unfinished",
        "state",
        postgresql_where=text("state IN ('awaiting_upload', 'queued', 'loading', 'aggregating')"),
    ),
    Index("imports_failed", "finished_at", postgresql_where=text("state = 'failed'")),
    Index("imports_newest_first", text("created_at DESC"), text("id DESC")),
)

rollup_dirty_ranges = Table(
    "rollup_dirty_ranges",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("range_start", Timestamp, nullable=False),
    Column("range_end", Timestamp, nullable=False),
    Column("import_id", Uuid),
    Column("created_at", Timestamp, nullable=False, server_default=NOW),
    Column("only_new", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("id", name="rollup_dirty_ranges_key"),
    ForeignKeyConstraint(
        ["import_id"], ["imports.id"], name="rollup_dirty_ranges_import", ondelete="SET NULL"
    ),
    Index("rollup_dirty_ranges_by_import", "import_id"),
)

refresh_lease = Table(
    "refresh_lease",
    metadata,
    Column("only_row", Boolean, nullable=False, server_default=text("true")),
    Column("holder", Uuid, nullable=False),
    Column("renewed_at", Timestamp, nullable=False, server_default=text("clock_timestamp()")),
    Column("backend_pids", ARRAY(Integer), nullable=False),
    PrimaryKeyConstraint("only_row", name="refresh_lease_key"),
    CheckConstraint("only_row", name="refresh_lease_only_row"),
)

opened_chunks = Table(
    "opened_chunks",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("range_start", Timestamp, nullable=False),
    Column("import_id", Uuid),
    PrimaryKeyConstraint("id", name="opened_chunks_key"),
    ForeignKeyConstraint(
        ["import_id"], ["imports.id"], name="opened_chunks_import", ondelete="SET NULL"
    ),
    Index("opened_chunks_by_import", "import_id"),
)

data_changes = Table(
    "data_changes",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("equipment_ids", ARRAY(Text), nullable=False),
    Column("days", ARRAY(Date), nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("readings", Integer, nullable=False, server_default=ZERO),
    Column("created_at", Timestamp, nullable=False, server_default=NOW),
    Column("pending_entered", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("id", name="data_changes_key"),
)

data_versions = Table(
    "data_versions",
    metadata,
    Column("equipment_id", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("version", BigInteger, nullable=False),
    PrimaryKeyConstraint("equipment_id", "day", name="data_versions_key"),
    Index("data_versions_by_day", "day"),
)

ingest_minutes = Table(
    "ingest_minutes",
    metadata,
    Column("minute", Timestamp, nullable=False),
    Column("readings", BigInteger, nullable=False),
    PrimaryKeyConstraint("minute", name="ingest_minutes_key"),
)

retention_horizon = Table(
    "retention_horizon",
    metadata,
    Column("only_row", Boolean, nullable=False, server_default=text("true")),
    Column("horizon", Timestamp, nullable=False),
    PrimaryKeyConstraint("only_row", name="retention_horizon_key"),
)

equipment = Table(
    "equipment",
    metadata,
    Column("id", Text, nullable=False),
    Column("name", Text),
    Column("unit", Text),
    Column("location", Text),
    Column("zone", Text),
    Column("expected_period_seconds", Double),
    PrimaryKeyConstraint("id", name="equipment_key"),
    CheckConstraint("expected_period_seconds > 0", name="equipment_expected_period"),
)

rollup_audits = Table(
    "rollup_audits",
    metadata,
    Column("only_row", Boolean, nullable=False, server_default=text("true")),
    Column("days", BigInteger, nullable=False),
    Column("wrong_buckets", BigInteger, nullable=False),
    Column("audited_at", Timestamp),
    Column("wrong_at", Timestamp),
    Column("wrong_day", Timestamp),
    PrimaryKeyConstraint("only_row", name="rollup_audits_key"),
    CheckConstraint("only_row", name="rollup_audits_only_row"),
)

live_listeners = Table(
    "live_listeners",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("seen_at", Timestamp, nullable=False, server_default=NOW),
    PrimaryKeyConstraint("id", name="live_listeners_key"),
)

workers = Table(
    "workers",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("seen_at", Timestamp, nullable=False, server_default=NOW),
    PrimaryKeyConstraint("id", name="workers_key"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", LargeBinary, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("username", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("provider_session", Text),
    Column("sealed_tokens", Text, nullable=False),
    Column("access_token_hash", LargeBinary, nullable=False),
    Column("access_expires_at", Timestamp, nullable=False),
    Column("refresh_due_at", Timestamp, nullable=False),
    Column("refreshing_until", Timestamp),
    Column("created_at", Timestamp, nullable=False, server_default=NOW),
    Column("last_seen_at", Timestamp, nullable=False, server_default=NOW),
    Column("expires_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("id", name="sessions_key"),
    Index("sessions_by_subject", "subject"),
    Index("sessions_by_provider_session", "provider_session"),
    Index("sessions_by_end", "expires_at"),
)

spent_tokens = Table(
    "spent_tokens",
    metadata,
    Column("token_hash", LargeBinary, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("token_hash", name="spent_tokens_key"),
    Index("spent_tokens_by_end", "expires_at"),
)

sign_ins = Table(
    "sign_ins",
    metadata,
    Column("state_hash", LargeBinary, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("code_verifier", Text, nullable=False),
    Column("return_to", Text, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("state_hash", name="sign_ins_key"),
    Index("sign_ins_by_end", "expires_at"),
)

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("key", LargeBinary, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    PrimaryKeyConstraint("key", name="sign_in_failures_key"),
    Index("sign_in_failures_by_end", "expires_at"),
)


idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("principal", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("created_at", Timestamp, nullable=False, server_default=NOW),
    PrimaryKeyConstraint("principal", "key", name="idempotency_keys_key"),
    Index("idempotency_keys_by_age", "created_at"),
)


# TimescaleDB creates this index on every hypertable by itself.
CREATED_BY_EXTENSION = frozenset({"readings_ts_idx"})


partial_hours = Table(
    "partial_hours",
    metadata,
    Column("equipment_id", Text, nullable=False),
    Column("bucket", Timestamp, nullable=False),
    Column("total_value", Double, nullable=False),
    Column("sample_count", BigInteger, nullable=False),
    Column("minimum", Double, nullable=False),
    Column("maximum", Double, nullable=False),
    Column("first", Double, nullable=False),
    Column("last", Double, nullable=False),
    Column("first_ts", Timestamp, nullable=False),
    Column("last_ts", Timestamp, nullable=False),
    PrimaryKeyConstraint("equipment_id", "bucket", name="partial_hours_key"),
)
LONG_AGO = text("'-infinity'")
partial_hours_range = Table(
    "partial_hours_range",
    metadata,
    Column("only_row", Boolean, nullable=False, server_default=text("true")),
    Column("start_ts", Timestamp, nullable=False, server_default=LONG_AGO),
    Column("end_ts", Timestamp, nullable=False, server_default=LONG_AGO),
    Column("announced_end", Timestamp, nullable=False, server_default=LONG_AGO),
    PrimaryKeyConstraint("only_row", name="partial_hours_range_key"),
    CheckConstraint("only_row", name="partial_hours_range_only_row"),
    CheckConstraint("start_ts <= end_ts", name="partial_hours_range_in_order"),
)
pending_readings = Table(
    "pending_readings",
    metadata,
    Column("equipment_id", Text, nullable=False),
    Column("ts", Timestamp, nullable=False),
    Column("value", Double),
    Index(
        "pending_readings_without_value",
        "equipment_id",
        postgresql_where=text("value IS NULL"),
    ),
)


def include_name(name: str | None, _kind: str, _parents: object) -> bool:
    """Alembic's include_name: False for what the extension adds to the tables by itself."""
    return name not in CREATED_BY_EXTENSION
