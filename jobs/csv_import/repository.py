"""An import's writes to the database. Each is fenced by the number of the attempt that makes it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeAlias
from uuid import UUID

import asyncpg
import msgspec
import polars as pl

from core.database import Connection, Pool
from core.import_transitions import apply
from core.imports import ImportOptions, ImportState, Transition
from core.queries import queries
from core.row_warnings import RowWarning
from core.storage import rejects_folder
from jobs.csv_import.batch import Batch
from jobs.csv_import.conflicts import Stored, store_rows
from jobs.csv_import.ordered_commit import CommitSlot
from jobs.errors import LeaseLostError

WriteRejects: TypeAlias = Callable[[pl.DataFrame], Awaitable[None]]

MAX_WAIT_SECONDS = 5.0  # for the import's batch before, while this one holds row locks


@dataclass(frozen=True, slots=True)
class Resubmission:
    """Corrected rows to load: their object, when they were sent, and the last part that is loaded.

    `lines_done` is the first line of that part, by which parts are named; 0 before the first.
    """

    object_key: str
    submitted_at: datetime
    lines_done: int


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt at an import, as claimed; `tries` counts attempts since the last progress."""

    id: UUID
    object_key: str
    state: ImportState
    attempt: int
    tries: int
    lines_done: int
    rows_rejected: int
    started_at: datetime
    options: ImportOptions
    rejects_generation: int = 0
    resubmission: Resubmission | None = None
    object_e_tag: str | None = None
    announced_sha256: bytes | None = None
    sha256: bytes | None = None
    warnings: Sequence[RowWarning] = ()

    @property
    def rejects_folder(self) -> str:
        """The folder of the current generation of rejects."""
        return rejects_folder(self.id, self.rejects_generation)


class RowCounts(NamedTuple):
    """Rows of the file, up to the last batch that was committed."""

    read: int
    rejected: int


class ImportRepository:
    """The worker's view of the imports. Writes raise LeaseLostError if the attempt has ended."""

    def __init__(self, pool: Pool, idle_seconds: float) -> None:
        """The server ends a batch's transaction that is idle for `idle_seconds`."""
        self._pool = pool
        self._idle_seconds = idle_seconds

    async def claim(self, import_id: UUID) -> Claim | None:
        """Begin the next attempt, which ends every earlier one; None: the import has ended."""
        row = await apply(Transition.CLAIM, self._pool, import_id=import_id)
        if row is None:
            return None
        return Claim(
            row["id"],
            row["object_key"],
            ImportState(row["state"]),
            row["attempt"],
            row["tries"],
            row["lines_done"],
            row["rows_rejected"],
            row["started_at"],
            msgspec.json.decode(row["options"], type=ImportOptions),
            row["rejects_generation"],
            _resubmission(row) if row["repairing"] else None,
            row["object_e_tag"],
            row["announced_sha256"],
            row["sha256"],
            msgspec.json.decode(row["warnings"], type=list[RowWarning]),
        )

    async def horizon(self) -> datetime | None:
        """The retention horizon: readings before it are rejected; None: there is no retention."""
        horizon: datetime | None = await queries().retention_horizon(self._pool)
        return horizon

    async def record_checksum(self, claim: Claim, sha256: bytes) -> None:
        """Store the file's checksum, and which import was the first of the same bytes."""
        updated = await queries().record_checksum(
            self._pool, import_id=claim.id, attempt=claim.attempt, sha256=sha256
        )
        _require_lease(claim, updated)

    async def begin_loading(self, claim: Claim, bytes_total: int) -> None:
        """Store the size of the decompressed file, and when its batches began to be loaded."""
        updated = await queries().begin_loading(
            self._pool, import_id=claim.id, attempt=claim.attempt, bytes_total=bytes_total
        )
        _require_lease(claim, updated)

    async def store_batch(
        self, claim: Claim, batch: Batch, slot: CommitSlot, write_rejects: WriteRejects
    ) -> bool:
        """Write a batch, its ledger entries and its row counts in one transaction.

        Conflicts that count as errors go to `write_rejects` before the commit, with the batch's
        other rejects. Whether all of its keys were new. Raises LeaseLostError, RowsMissingError,
        CommitOrderTimeoutError or the error of the batch before, and then nothing of this one is
        stored.
        """
        async with self._pool.acquire() as connection:
            firsts = batch.staged.ts_bounds_by_chunk()["first_ts"]
            await queries().create_chunks(connection, timestamps=firsts.to_list())
            async with connection.transaction():
                await self._prepare(connection)
                slot.transaction_began.set()
                how = claim.options.on_conflict
                stored = await store_rows(connection, claim.id, batch, slot, how)
                await slot.wait(min(self._idle_seconds / 2, MAX_WAIT_SECONDS))
                if stored.rejects.height > batch.rejects.height:
                    await write_rejects(stored.rejects)
                await self._checkpoint(connection, claim, batch, stored)
        return batch.staged.rows.height == stored.inserted

    async def _checkpoint(
        self, connection: Connection, claim: Claim, batch: Batch, stored: Stored
    ) -> None:
        conflicts = stored.rejects.height - batch.rejects.height
        updated = await queries().checkpoint_import(
            connection,
            import_id=claim.id,
            attempt=claim.attempt,
            lines_done=batch.last_line,
            bytes_read=batch.size_bytes,
            rows_read=batch.rows_read,
            skipped=batch.rows_skipped,
            rejected=batch.rows_rejected + conflicts,
            inserted=stored.inserted,
            replaced=stored.replaced,
            unchanged=batch.staged.readings - conflicts - stored.inserted - stored.replaced,
            first_ts=batch.staged.first_ts,
            last_ts=batch.staged.last_ts,
            warnings=_as_json(batch.warnings),
        )
        _require_lease(claim, updated)

    async def row_counts(self, claim: Claim) -> RowCounts:
        """How many rows were read and how many rejected, in this attempt and earlier ones."""
        row = await queries().import_row_counts(
            self._pool, import_id=claim.id, attempt=claim.attempt
        )
        if row is None:
            raise _lease_lost(claim)
        return RowCounts(row["rows_read"], row["rows_rejected"])

    async def count_discarded(
        self, claim: Claim, rejected: int, warnings: Sequence[RowWarning]
    ) -> None:
        """Store rejected rows and warnings of a file of which nothing is stored."""
        updated = await queries().count_discarded(
            self._pool,
            import_id=claim.id,
            attempt=claim.attempt,
            rejected=rejected,
            warnings=_as_json(warnings),
        )
        _require_lease(claim, updated)

    async def is_cancelled(self, import_id: UUID) -> bool:
        """Whether a user has cancelled the import."""
        state = await queries().import_state(self._pool, import_id=import_id)
        return bool(state == ImportState.CANCELLED)

    async def begin_aggregating(self, claim: Claim) -> None:
        """Every line is loaded; the rollups come next."""
        await self._apply(Transition.BEGIN_AGGREGATING, claim)

    async def is_visible(self, claim: Claim) -> bool:
        """Whether the rollups cover every row that the import wrote."""
        return bool(await queries().import_is_visible(self._pool, import_id=claim.id))

    async def finish(self, claim: Claim) -> None:
        """The import is done."""
        await self._apply(Transition.FINISH, claim)

    async def fail(self, claim: Claim, code: str, message: str) -> None:
        """Fail the import with the reason; what it loaded before stays."""
        await self._apply(Transition.FAIL, claim, error_code=code, error_message=message)

    async def release(self, claim: Claim) -> None:
        """Give the attempt back: it does not count towards the limit of attempts."""
        await queries().release_import(self._pool, import_id=claim.id, attempt=claim.attempt)

    async def _apply(self, transition: Transition, claim: Claim, **parameters: str) -> None:
        updated = await apply(
            transition, self._pool, import_id=claim.id, attempt=claim.attempt, **parameters
        )
        _require_lease(claim, updated)

    async def _prepare(self, connection: Connection) -> None:
        milliseconds = str(round(self._idle_seconds * 1000))
        await queries().prepare_batch_transaction(connection, milliseconds=milliseconds)


def _resubmission(row: asyncpg.Record) -> Resubmission:
    return Resubmission(row["repair_key"], row["repair_at"], row["repair_lines_done"])


def _as_json(warnings: Sequence[RowWarning]) -> str:
    return msgspec.json.encode(warnings).decode()


def _require_lease(claim: Claim, updated: object) -> None:
    if updated is None:
        raise _lease_lost(claim)


def _lease_lost(claim: Claim) -> LeaseLostError:
    return LeaseLostError(
        "Another worker has taken the import over, or it was ended meanwhile.",
        import_id=claim.id,
        attempt=claim.attempt,
    )
