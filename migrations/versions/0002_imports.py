"""Imports, the ledger of ranges whose rollups are behind, and the retention horizon."""

from migrations.statements import execute_all

revision = "0002"
down_revision = "0001"

UPGRADE = (
    """
    CREATE TABLE imports (
        id uuid NOT NULL,
        file_name text NOT NULL,
        object_key text NOT NULL,
        size_bytes bigint NOT NULL,
        created_by text NOT NULL,
        state text NOT NULL,
        attempt integer NOT NULL DEFAULT 0,
        tries integer NOT NULL DEFAULT 0,
        lines_done bigint NOT NULL DEFAULT 0,
        rows_read bigint NOT NULL DEFAULT 0,
        rows_inserted bigint NOT NULL DEFAULT 0,
        rows_replaced bigint NOT NULL DEFAULT 0,
        rows_unchanged bigint NOT NULL DEFAULT 0,
        rows_rejected bigint NOT NULL DEFAULT 0,
        first_ts timestamptz,
        last_ts timestamptz,
        error_code text,
        error_message text,
        created_at timestamptz NOT NULL DEFAULT now(),
        started_at timestamptz,
        finished_at timestamptz,
        CONSTRAINT imports_key PRIMARY KEY (id),
        CONSTRAINT imports_state_known CHECK (
            state IN (
                'awaiting_upload', 'queued', 'loading', 'aggregating', 'done', 'failed', 'cancelled'
            )
        ),
        CONSTRAINT imports_every_row_accounted_for CHECK (
            rows_read = rows_inserted + rows_replaced + rows_unchanged + rows_rejected
        ),
        CONSTRAINT imports_failure_is_explained CHECK (
            (state = 'failed') = (error_code IS NOT NULL)
            AND (error_code IS NULL) = (error_message IS NULL)
        )
    )
    """,
    "CREATE INDEX imports_newest_first ON imports (created_at DESC, id DESC)",
    """
    CREATE TABLE rollup_dirty_ranges (
        id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
        range_start timestamptz NOT NULL,
        range_end timestamptz NOT NULL,
        import_id uuid,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT rollup_dirty_ranges_key PRIMARY KEY (id),
        CONSTRAINT rollup_dirty_ranges_not_empty CHECK (range_start < range_end),
        CONSTRAINT rollup_dirty_ranges_import
        FOREIGN KEY (import_id) REFERENCES imports (id) ON DELETE SET NULL
    )
    """,
    "CREATE INDEX rollup_dirty_ranges_by_import ON rollup_dirty_ranges (import_id)",
    """
    CREATE TABLE retention_horizon (
        only_row boolean NOT NULL DEFAULT true,
        horizon timestamptz NOT NULL,
        CONSTRAINT retention_horizon_key PRIMARY KEY (only_row),
        CONSTRAINT retention_horizon_only_row CHECK (only_row)
    )
    """,
)

DOWNGRADE = (
    "DROP TABLE retention_horizon",
    "DROP TABLE rollup_dirty_ranges",
    "DROP TABLE imports",
)


def upgrade() -> None:
    execute_all(UPGRADE)


def downgrade() -> None:
    execute_all(DOWNGRADE)
