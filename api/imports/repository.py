from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, Update, func, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncEngine

from api.imports.cursor import Cursor
from api.imports.progress import progress_of
from api.imports.schemas import Counts, Failure, Import, TimeSpan
from core.database import database_errors, driver_connection
from core.errors import ImportNotFoundError
from core.imports import CANCELLABLE, RETRIABLE, ImportFault, ImportOptions, ImportState
from core.queue import enqueue_import
from core.tables import imports

QUEUED_AGAIN: Mapping[str, Any] = MappingProxyType(
    {
        "state": ImportState.QUEUED,
        "tries": 0,
        "error_code": None,
        "error_message": None,
        "finished_at": None,
    }
)


class ImportRepository:
    """Imports in the database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def cancel(self, import_id: UUID) -> bool:
        """End the import before its next batch; False, and nothing changed: not in CANCELLABLE."""
        cancelled = (
            update(imports)
            .where(imports.c.id == import_id, imports.c.state.in_(CANCELLABLE))
            .values(state=ImportState.CANCELLED, finished_at=func.now())
        )
        with database_errors():
            async with self._engine.begin() as connection:
                return (await connection.execute(cancelled)).rowcount == 1

    async def retry(self, import_id: UUID) -> bool:
        """Queue the import again; False, and nothing changed: not in RETRIABLE, or without file.

        What it has loaded stays counted, and the worker goes on behind its last batch.
        """
        queued = (
            update(imports)
            .where(
                imports.c.id == import_id,
                imports.c.state.in_(RETRIABLE),
                imports.c.uploaded_at.is_not(None),
            )
            .values(**QUEUED_AGAIN)
        )
        return await self._queue(import_id, queued)

    async def queue_repair(self, import_id: UUID, object_key: str) -> bool:
        """Queue the import to load corrected rows; False, and nothing changed: it is not read."""
        queued = (
            update(imports)
            .where(
                imports.c.id == import_id,
                or_(
                    imports.c.state == ImportState.DONE,
                    imports.c.error_code == ImportFault.NO_VALID_ROWS,
                ),
            )
            .values(
                **QUEUED_AGAIN,
                repairing=True,
                repair_key=object_key,
                repair_at=func.now(),
                repair_lines_done=0,
            )
        )
        return await self._queue(import_id, queued)

    async def rejects_generation(self, import_id: UUID) -> int:
        """Which list of rejects counts. Raises ImportNotFoundError."""
        wanted = select(imports.c.rejects_generation).where(imports.c.id == import_id)
        with database_errors():
            async with self._engine.connect() as connection:
                generation: int | None = await connection.scalar(wanted)
        if generation is None:
            raise ImportNotFoundError(f"There is no import {import_id}.")
        return generation

    async def get(self, import_id: UUID) -> Import:
        """The import as it stands. Raises ImportNotFoundError."""
        with database_errors():
            async with self._engine.connect() as connection:
                found = await connection.execute(select(imports).where(imports.c.id == import_id))
        row = found.one_or_none()
        if row is None:
            raise ImportNotFoundError(f"There is no import {import_id}.")
        return _import(row)

    async def page(self, limit: int, after: Cursor | None) -> list[Import]:
        """At most `limit` imports older than the cursor's, newest first."""
        newest_first = select(imports).order_by(imports.c.created_at.desc(), imports.c.id.desc())
        if after is not None:
            key = tuple_(imports.c.created_at, imports.c.id)
            newest_first = newest_first.where(key < (after.created_at, after.import_id))
        with database_errors():
            async with self._engine.connect() as connection:
                rows = await connection.execute(newest_first.limit(limit))
        return [_import(row) for row in rows]

    async def among(self, import_ids: Iterable[UUID]) -> dict[UUID, Import]:
        """Those of the imports that exist, as they stand."""
        with database_errors():
            async with self._engine.connect() as connection:
                rows = await connection.execute(
                    select(imports).where(imports.c.id.in_(list(import_ids)))
                )
        return {row.id: _import(row) for row in rows}

    async def _queue(self, import_id: UUID, queued: Update) -> bool:
        """Do it and hand the import to the workers, both or neither; False: neither."""
        with database_errors():
            async with self._engine.begin() as connection:
                changed = (await connection.execute(queued)).rowcount == 1
                if changed:
                    await enqueue_import(await driver_connection(connection), import_id)
                return changed


def _import(row: Row[Any]) -> Import:
    return Import(
        import_id=row.id,
        file_name=row.file_name,
        state=ImportState(row.state),
        counts=Counts(
            row.rows_read,
            row.rows_inserted,
            row.rows_replaced,
            row.rows_unchanged,
            row.rows_rejected,
        ),
        progress=progress_of(row),
        range=TimeSpan(row.first_ts, row.last_ts) if row.first_ts else None,
        error=Failure(row.error_code, row.error_message) if row.error_code else None,
        size_bytes=row.size_bytes,
        duplicate_of=row.duplicate_of,
        options=msgspec.convert(row.options, ImportOptions),
        attempts=row.attempt,
        created_at=row.created_at,
        uploaded_at=row.uploaded_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
