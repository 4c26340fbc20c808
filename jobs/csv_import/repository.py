"""An import's writes to the database, each bound to the attempt that makes it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeAlias
from uuid import UUID

import asyncpg
import msgspec
import polars as pl

from core.database import Connection, Pool
from core.imports import ImportOptions, ImportState
from core.queries import queries
from core.storage import rejects_folder
from jobs.csv_import.batch import Batch
from jobs.csv_import.conflicts import Stored, store_rows
from jobs.csv_import.ordered_commit import CommitSlot
from jobs.errors import LeaseLostError

TellRejects: TypeAlias = Callable[[pl.DataFrame], Awaitable[None]]

LONGEST_WAIT_SECONDS = 5.0  # with rows locked, for another batch of the same import


@dataclass(frozen=True, slots=True)
class Repair:
    """Corrected rows that are to be loaded, since when, and the part up to which they are."""

    object_key: str
    asked_at: datetime
    lines_done: int


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt at an import, as it began; `tries` counts attempts since the last progress."""

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
    repair: Repair | None = None
    object_e_tag: str | None = None
    announced_sha256: bytes | None = None
    sha256: bytes | None = None

    @property
    def rejects_folder(self) -> str:
        """Where the rejects that count lie."""
        return rejects_folder(self.id, self.rejects_generation)


class RowCounts(NamedTuple):
    """Rows of the file so far."""

    read: int
    rejected: int


class ImportRepository:
    """The imports of one database."""

    def __init__(self, pool: Pool, idle_seconds: float) -> None:
        """`idle_seconds`: after this silence inside a batch the server ends its transaction."""
        self._pool = pool
        self._idle_seconds = idle_seconds

    async def claim(self, import_id: UUID) -> Claim | None:
        """Begin the next attempt, which ends every earlier one; None: there is nothing to do."""
        row = await queries().claim_import(self._pool, import_id=import_id)
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
            _repair(row) if row["repairing"] else None,
            row["object_e_tag"],
            row["announced_sha256"],
            row["sha256"],
        )

    async def horizon(self) -> datetime | None:
        """The moment below which no reading is accepted, if there is one."""
        horizon: datetime | None = await queries().retention_horizon(self._pool)
        return horizon

    async def recognise(self, claim: Claim, sha256: bytes) -> None:
        """The file has this checksum: the import names the first one of the same bytes."""
        kept = await queries().recognise_file(
            self._pool, import_id=claim.id, attempt=claim.attempt, sha256=sha256
        )
        _require_lease(claim, kept)

    async def begin_loading(self, claim: Claim, bytes_total: int) -> None:
        """The text of the file is there, so large, and its batches begin to be stored."""
        kept = await queries().begin_loading(
            self._pool, import_id=claim.id, attempt=claim.attempt, bytes_total=bytes_total
        )
        _require_lease(claim, kept)

    async def store_batch(
        self, claim: Claim, batch: Batch, slot: CommitSlot, tell_rejects: TellRejects
    ) -> bool:
        """Write a batch, its part of the ledger and of the account, in one transaction.

        Conflicts that are errors are told before the commit, together with the batch's rejects.
        Whether all of its keys were new. Raises LeaseLostError, RowsMissingError, TurnLateError or
        what kept the batch before from being stored, and then nothing of this one is.
        """
        async with self._pool.acquire() as connection:
            firsts = batch.staged.ts_bounds_by_chunk()["first_ts"]
            await queries().create_chunks(connection, moments=firsts.to_list())
            async with connection.transaction():
                await self._prepare(connection)
                slot.transaction_began.set()
                how = claim.options.on_conflict
                stored = await store_rows(connection, claim.id, batch, slot, how)
                await slot.wait(min(self._idle_seconds / 2, LONGEST_WAIT_SECONDS))
                if stored.rejects.height > batch.rejects.height:
                    await tell_rejects(stored.rejects)
                await self._checkpoint(connection, claim, batch, stored)
        return batch.staged.rows.height == stored.inserted

    async def _checkpoint(
        self, connection: Connection, claim: Claim, batch: Batch, stored: Stored
    ) -> None:
        conflicts = stored.rejects.height - batch.rejects.height
        kept = await queries().checkpoint_import(
            connection,
            import_id=claim.id,
            attempt=claim.attempt,
            lines_done=batch.last_line,
            bytes_read=batch.size_bytes,
            rows_read=batch.rows_read,
            rejected=batch.rows_rejected + conflicts,
            inserted=stored.inserted,
            replaced=stored.replaced,
            unchanged=batch.staged.readings - conflicts - stored.inserted - stored.replaced,
            first_ts=batch.staged.first_ts,
            last_ts=batch.staged.last_ts,
        )
        _require_lease(claim, kept)

    async def row_counts(self, claim: Claim) -> RowCounts:
        """How many rows were read and how many rejected, in this attempt and earlier ones."""
        row = await queries().import_row_counts(
            self._pool, import_id=claim.id, attempt=claim.attempt
        )
        if row is None:
            raise _lease_lost(claim)
        return RowCounts(row["rows_read"], row["rows_rejected"])

    async def count_discarded(self, claim: Claim, rejected: int) -> None:
        """Tell how many rows were rejected of a file of which nothing is stored."""
        kept = await queries().count_discarded(
            self._pool, import_id=claim.id, attempt=claim.attempt, rejected=rejected
        )
        _require_lease(claim, kept)

    async def is_cancelled(self, import_id: UUID) -> bool:
        """Whether the import was ended by a person."""
        state = await queries().import_state(self._pool, import_id=import_id)
        return bool(state == ImportState.CANCELLED)

    async def begin_aggregating(self, claim: Claim) -> None:
        """Every line is loaded."""
        kept = await queries().begin_aggregating(
            self._pool, import_id=claim.id, attempt=claim.attempt
        )
        _require_lease(claim, kept)

    async def is_visible(self, claim: Claim) -> bool:
        """Whether the rollups cover all that the import wrote."""
        return bool(await queries().import_is_visible(self._pool, import_id=claim.id))

    async def finish(self, claim: Claim) -> None:
        """The import is done."""
        kept = await queries().finish_import(self._pool, import_id=claim.id, attempt=claim.attempt)
        _require_lease(claim, kept)

    async def fail(self, claim: Claim, code: str, message: str) -> None:
        """End the import with the reason; what it loaded before stays."""
        kept = await queries().fail_import(
            self._pool,
            import_id=claim.id,
            attempt=claim.attempt,
            error_code=code,
            error_message=message,
        )
        _require_lease(claim, kept)

    async def release(self, claim: Claim) -> None:
        """Do not count this attempt against the file."""
        await queries().release_import(self._pool, import_id=claim.id, attempt=claim.attempt)

    async def _prepare(self, connection: Connection) -> None:
        milliseconds = str(round(self._idle_seconds * 1000))
        await queries().prepare_batch_transaction(connection, milliseconds=milliseconds)


def _repair(row: asyncpg.Record) -> Repair:
    return Repair(row["repair_key"], row["repair_at"], row["repair_lines_done"])


def _require_lease(claim: Claim, answer: object) -> None:
    if answer is None:
        raise _lease_lost(claim)


def _lease_lost(claim: Claim) -> LeaseLostError:
    return LeaseLostError(
        "Another worker has taken the import over, or it was ended meanwhile.",
        import_id=claim.id,
        attempt=claim.attempt,
    )
