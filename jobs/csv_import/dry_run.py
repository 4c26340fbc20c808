"""What an import of a file would do, worked out by the code that does it, without doing it."""

from asyncio import to_thread
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import aclosing
from datetime import datetime

import msgspec
import polars as pl

from core.database import Connection, open_connection
from core.queries import all_rows, queries
from core.readings import OnConflict
from core.time import DAY, HOUR, TimeRange
from jobs.csv_import.conflicts import conflicts_among
from jobs.csv_import.context import ImportWork
from jobs.csv_import.decompression import plain_file
from jobs.csv_import.numbered_lines import LINE_NUMBER
from jobs.csv_import.prefetch import ahead
from jobs.csv_import.rejects import describe_reject
from jobs.csv_import.repository import Claim
from jobs.csv_import.staging import StagedBatch, stage
from jobs.csv_import.validated_batches import judged_lines, open_rows
from jobs.csv_import.validation import JudgedBatch
from jobs.csv_import.writing import copy_rows
from jobs.rollups.ranges import aligned
from jobs.rollups.refresh import due_slices

FIRST_REJECTS = 3


class Counts(msgspec.Struct, frozen=True):
    """Those that the import would have."""

    read: int
    inserted: int
    replaced: int
    unchanged: int
    rejected: int


class Compared(msgspec.Struct, frozen=True):
    """Keys by what they meet."""

    new: int
    equal: int
    different: int


class Repeated(msgspec.Struct, frozen=True):
    """Rows whose key came before in the file, with the value it had then or with another."""

    equal: int
    different: int


class Forecast(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an import would come to if nothing else changed meanwhile.

    `columns` are the file's own names; `rejects` counts rows by code; `stored` counts keys by what
    is stored of them now; `hours` and `days` are the buckets of the rollups to refresh.
    """

    columns: dict[str, str]
    counts: Counts
    rejects: dict[str, int]
    first_rejects: list[str]
    repeated: Repeated
    stored: Compared
    first_ts: datetime | None
    last_ts: datetime | None
    horizon: datetime | None
    hours: int
    days: int


async def rehearse(work: ImportWork, claim: Claim, progress: Callable[[int], None]) -> Forecast:
    """Judge the whole file of the claim and compare it with what is stored.

    `progress` is told the rows read so far. Raises FileFaultError when the file cannot be read.
    """
    limit = work.worker.max_inflated_bytes
    async with (
        work.storage.as_file(claim.object_key) as stored,
        plain_file(stored.path, limit, work.checkpoint) as path,
        open_connection(work.database) as connection,
    ):
        await queries().create_rehearsal(connection)
        columns = (await to_thread(open_rows, work, claim, path)).columns
        account = _Account(columns, replaces=claim.options.on_conflict is OnConflict.REPLACE)
        async with aclosing(ahead(judged_lines(work, claim, path))) as batches:
            async for batch in batches:
                await account.add(connection, batch.judged)
                progress(account.rows_read)
        return await account.closed(connection, await work.imports.horizon())


class _Account:
    """What the batches so far come to, in bounded memory: the keys are with the server."""

    def __init__(self, columns: Mapping[str, str], *, replaces: bool) -> None:
        self._columns = columns
        self._replaces = replaces
        self._rejects: Counter[str] = Counter()
        self._first_rejects: list[str] = []
        self._moments: list[datetime] = []
        self._changed: list[TimeRange] = []
        self._counted: Counter[str] = Counter()
        self.rows_read = 0

    async def add(self, connection: Connection, judged: JudgedBatch) -> None:
        """Compare a batch with the file before it and with what is stored."""
        staged = await to_thread(stage, judged.readings)
        self.rows_read += judged.rows_read
        self._counted.update(
            replaced=staged.replaced_inside if self._replaces else 0,
            repeated_equal=staged.unchanged_inside,
            repeated_different=staged.replaced_inside,
        )
        conflicts = judged.rejects.clear()
        if not staged.rows.is_empty():
            async with connection.transaction(readonly=True):
                await copy_rows(connection, "rehearsal_staging", staged.rows)
                if judged.numbered is not None:
                    conflicts = await _conflicts(connection, judged.numbered, staged)
                await self._compare(connection, staged)
        self._add_rejects(pl.concat([judged.rejects, conflicts]).sort(LINE_NUMBER))

    async def closed(self, connection: Connection, horizon: datetime | None) -> Forecast:
        """The account of the whole file."""
        hours, days = [parts for _, parts in await due_slices(connection, self._changed)]
        return Forecast(
            columns=dict(self._columns),
            counts=self._counts(),
            rejects=dict(self._rejects.most_common()),
            first_rejects=self._first_rejects,
            repeated=Repeated(self._counted["repeated_equal"], self._counted["repeated_different"]),
            stored=Compared(**await queries().rehearsed_keys(connection)),
            first_ts=min(self._moments, default=None),
            last_ts=max(self._moments, default=None),
            horizon=horizon,
            hours=sum((part.end - part.start) // HOUR for part in hours),
            days=sum((part.end - part.start) // DAY for part in days),
        )

    def _counts(self) -> Counts:
        inserted, replaced = self._counted["inserted"], self._counted["replaced"]
        rejected = self._rejects.total()
        unchanged = self.rows_read - inserted - replaced - rejected
        return Counts(self.rows_read, inserted, replaced, unchanged, rejected)

    async def _compare(self, connection: Connection, staged: StagedBatch) -> None:
        moments = [*self._moments, *filter(None, staged.span.values())]
        self._moments = [min(moments), max(moments)]
        changes = queries().rehearse_batch(connection, **staged.span, replaces=self._replaces)
        async for row in changes:
            chunk = dict(row)
            start, end = chunk.pop("range_start"), chunk.pop("range_end")
            self._counted.update(chunk)
            if start is not None:
                self._changed.append(TimeRange(start, end))
        self._changed = aligned(self._changed, HOUR)

    def _add_rejects(self, rejects: pl.DataFrame) -> None:
        codes = rejects["code"].value_counts()
        self._rejects.update(dict(codes.iter_rows()))
        missing = FIRST_REJECTS - len(self._first_rejects)
        first = rejects.select(LINE_NUMBER, "code", "column").head(missing)
        self._first_rejects += [describe_reject(*row) for row in first.iter_rows()]


async def _conflicts(
    connection: Connection, numbered: pl.DataFrame, staged: StagedBatch
) -> pl.DataFrame:
    """The rows, as rejects, that neither what is stored nor the file before them agrees with."""
    stayed = await all_rows(queries().rehearsed_values_that_stay, connection, **staged.span)
    return conflicts_among(numbered, staged, [*map(tuple, stayed)])
