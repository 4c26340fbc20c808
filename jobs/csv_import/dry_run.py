"""The dry run of an import: validated and compared by the code that imports, without storing."""

from asyncio import to_thread
from collections import Counter
from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime

import polars as pl

from core.database import Connection, open_connection
from core.queries import all_rows, queries
from core.readings import OnConflict
from core.row_warnings import RowWarning, merge_warnings, reported
from core.time import DAY, HOUR, TimeRange
from jobs.csv_import.conflicts import conflicting_rows, in_order
from jobs.csv_import.context import ImportContext
from jobs.csv_import.forecast import Counts, Forecast, KeyCounts, RepeatedRows
from jobs.csv_import.plain_text import plain_text_file
from jobs.csv_import.prefetch import prefetch
from jobs.csv_import.reject_reasons import (
    MAX_REASONS,
    NEARLY_ALL,
    describe_columns,
    describe_rejects,
)
from jobs.csv_import.repository import Claim
from jobs.csv_import.row_batches import RowSource
from jobs.csv_import.staging import StagedBatch, stage
from jobs.csv_import.validated_batches import open_row_source, validated_batches
from jobs.csv_import.validation import ValidatedBatch
from jobs.csv_import.writing import copy_rows
from jobs.rollups.ranges import align_to_buckets
from jobs.rollups.refresh import due_slices


async def dry_run(
    context: ImportContext, claim: Claim, progress: Callable[[int], None]
) -> Forecast:
    """Validate the whole file of the claim and compare it with what is stored.

    `progress` is called with the rows read so far. Raises FileFaultError when the file cannot be
    read.
    """
    max_bytes = context.worker.max_inflated_bytes
    async with (
        context.storage.as_file(claim.object_key) as stored,
        plain_text_file(stored.path, claim.options, max_bytes, context.raise_if_stopping) as path,
        open_connection(context.database) as connection,
    ):
        await queries().create_dry_run_tables(connection)
        source = await to_thread(open_row_source, context, claim, path)
        replaces = claim.options.on_conflict is OnConflict.REPLACE
        forecast = _ForecastBuilder(connection, source, replaces=replaces)
        async with aclosing(prefetch(validated_batches(context, claim, path))) as batches:
            async for lines in batches:
                await forecast.add(lines.batch)
                progress(forecast.rows_read)
        return await forecast.build(await context.imports.horizon())


class _ForecastBuilder:
    """Accumulates a forecast in bounded memory: the keys are in temporary tables of the server."""

    def __init__(self, connection: Connection, source: RowSource, *, replaces: bool) -> None:
        self._connection = connection
        self._source = source
        self._replaces = replaces
        self._rejects: Counter[str] = Counter()
        self._first_rejects: list[str] = []
        self._column_hints: list[str] = []
        self._warnings: list[RowWarning] = []
        self._ts_bounds: list[datetime] = []
        self._changed: list[TimeRange] = []
        self._counts: Counter[str] = Counter()
        self.rows_read = 0

    async def add(self, validated: ValidatedBatch) -> None:
        """Compare a batch with the file before it and with what is stored."""
        staged = await to_thread(stage, validated.readings)
        self.rows_read += validated.rows_read
        self._warnings = merge_warnings(self._warnings, validated.warnings)
        self._counts.update(
            skipped=validated.skipped,
            replaced=staged.replaced_within_batch if self._replaces else 0,
            repeated_equal=staged.unchanged_within_batch,
            repeated_different=staged.replaced_within_batch,
        )
        conflicts = validated.rejects.clear()
        if not staged.rows.is_empty():
            async with self._connection.transaction(readonly=True):
                await copy_rows(self._connection, "dry_run_staging", staged.rows)
                if validated.numbered_readings is not None:
                    conflicts = await self._conflicts(validated.numbered_readings, staged)
                await self._compare(staged)
        rejects = in_order(validated.rejects, conflicts)
        first = self.rows_read == validated.rows_read
        if first and rejects.height >= NEARLY_ALL * self.rows_read:
            self._column_hints = describe_columns(rejects, self._source)
        self._add_rejects(rejects)

    async def build(self, horizon: datetime | None) -> Forecast:
        """The forecast of the whole file."""
        hours, days = [parts for _, parts in await due_slices(self._connection, self._changed)]
        repeated = RepeatedRows(self._counts["repeated_equal"], self._counts["repeated_different"])
        return Forecast(
            columns=dict(self._source.columns),
            sensors={each.equipment_id: each.name for each in self._source.layout.sensors},
            counts=self._row_counts(),
            rejects=dict(self._rejects.most_common()),
            first_rejects=self._first_rejects,
            column_hints=self._column_hints,
            warnings=reported(self._warnings),
            repeated=repeated,
            stored=KeyCounts(**await queries().count_dry_run_keys(self._connection)),
            first_ts=min(self._ts_bounds, default=None),
            last_ts=max(self._ts_bounds, default=None),
            horizon=horizon,
            hours=sum((part.end - part.start) // HOUR for part in hours),
            days=sum((part.end - part.start) // DAY for part in days),
        )

    def _row_counts(self) -> Counts:
        inserted, replaced = self._counts["inserted"], self._counts["replaced"]
        skipped, rejected = self._counts["skipped"], self._rejects.total()
        unchanged = self.rows_read - inserted - replaced - skipped - rejected
        return Counts(self.rows_read, inserted, replaced, unchanged, skipped, rejected)

    async def _compare(self, staged: StagedBatch) -> None:
        timestamps = [*self._ts_bounds, *filter(None, staged.ts_bounds.values())]
        self._ts_bounds = [min(timestamps), max(timestamps)]
        parameters = {**staged.ts_bounds, "replaces": self._replaces}
        async for row in queries().dry_run_batch(self._connection, **parameters):
            chunk = dict(row)
            start, end = chunk.pop("range_start"), chunk.pop("range_end")
            self._counts.update(chunk)
            if start is not None:
                self._changed.append(TimeRange(start, end))
        self._changed = align_to_buckets(self._changed, HOUR)

    async def _conflicts(
        self, numbered_readings: pl.DataFrame, staged: StagedBatch
    ) -> pl.DataFrame:
        """The rows, as rejects, that differ from what is stored or came earlier in the file."""
        existing = await all_rows(queries().dry_run_conflicts, self._connection, **staged.ts_bounds)
        return conflicting_rows(numbered_readings, staged, [*map(tuple, existing)])

    def _add_rejects(self, rejects: pl.DataFrame) -> None:
        codes = rejects["code"].value_counts()
        self._rejects.update(dict(codes.iter_rows()))
        missing = MAX_REASONS - len(self._first_rejects)
        self._first_rejects += describe_rejects(rejects.head(missing), self._source)
