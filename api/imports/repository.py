from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from api.imports.cursor import Cursor
from api.imports.progress import progress_of
from api.imports.schemas import Counts, Failure, Import, TimeSpan
from core.database import database_errors, driver_transaction
from core.errors import ImportNotFoundError
from core.import_transitions import apply, apply_and_enqueue
from core.imports import ImportFault, ImportOptions, ImportState, Transition
from core.row_warnings import RowWarning, reported
from core.tables import imports


class ImportRepository:
    """The imports that the API reads, and those of their transitions that users request."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def cancel(self, import_id: UUID) -> bool:
        """End the import before its next batch; False, and nothing changed: too late for that."""
        async with driver_transaction(self._engine) as connection:
            return await apply(Transition.CANCEL, connection, import_id=import_id) is not None

    async def retry(self, import_id: UUID) -> bool:
        """Queue the import again; False, and nothing changed: not in RETRIABLE, or without file.

        What it has loaded stays counted, and the worker continues after its last batch.
        """
        async with driver_transaction(self._engine) as connection:
            return await apply_and_enqueue(Transition.RETRY, connection, import_id)

    async def queue_resubmission(self, import_id: UUID, object_key: str) -> bool:
        """Queue the import to load the corrected rows of the object.

        False, and nothing changed: its file was not read to the end.
        """
        async with driver_transaction(self._engine) as connection:
            return await apply_and_enqueue(
                Transition.RESUBMIT_REJECTS,
                connection,
                import_id,
                object_key=object_key,
                no_valid_rows=ImportFault.NO_VALID_ROWS,
            )

    async def rejects_generation(self, import_id: UUID) -> int:
        """The number of the current list of rejects. Raises ImportNotFoundError."""
        generation_of_import = select(imports.c.rejects_generation).where(imports.c.id == import_id)
        with database_errors():
            async with self._engine.connect() as connection:
                generation: int | None = await connection.scalar(generation_of_import)
        if generation is None:
            raise ImportNotFoundError(f"There is no import {import_id}.")
        return generation

    async def get(self, import_id: UUID) -> Import:
        """The import as it stands. Raises ImportNotFoundError."""
        with database_errors():
            async with self._engine.connect() as connection:
                rows = await connection.execute(select(imports).where(imports.c.id == import_id))
        row = rows.one_or_none()
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

    async def get_many(self, import_ids: Iterable[UUID]) -> dict[UUID, Import]:
        """Those of the imports that exist, as they stand, by id."""
        with database_errors():
            async with self._engine.connect() as connection:
                rows = await connection.execute(
                    select(imports).where(imports.c.id.in_(list(import_ids)))
                )
        return {row.id: _import(row) for row in rows}


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
            row.rows_skipped,
            row.rows_rejected,
        ),
        progress=progress_of(row),
        range=TimeSpan(row.first_ts, row.last_ts) if row.first_ts else None,
        error=Failure(row.error_code, row.error_message) if row.error_code else None,
        warnings=reported(msgspec.convert(row.warnings, list[RowWarning])),
        size_bytes=row.size_bytes,
        duplicate_of=row.duplicate_of,
        options=msgspec.convert(row.options, ImportOptions),
        attempts=row.attempt,
        # Nobody learns who may still send a file to an upload URL.
        created_by=row.created_by if row.uploaded_at else None,
        created_by_name=row.created_by_name if row.uploaded_at else None,
        created_at=row.created_at,
        uploaded_at=row.uploaded_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
