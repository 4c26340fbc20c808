from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from api.imports.errors import ImportStateError
from core.database import database_errors, driver_transaction
from core.errors import ImportNotFoundError
from core.import_transitions import apply_and_enqueue
from core.imports import ImportOptions, ImportState, Transition
from core.queries import queries
from core.queue import enqueue_import
from core.tables import imports


@dataclass(frozen=True, slots=True)
class NewImport:
    """An import that is not yet known to the database."""

    import_id: UUID
    file_name: str
    object_key: str
    size_bytes: int
    created_by: str
    options: ImportOptions

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of its row, as parameters of a query."""
        return {
            "import_id": self.import_id,
            "file_name": self.file_name,
            "object_key": self.object_key,
            "size_bytes": self.size_bytes,
            "created_by": self.created_by,
            "options": msgspec.json.encode(self.options).decode(),
        }


@dataclass(frozen=True, slots=True)
class AwaitedFile:
    """What an import knows of the file it waits, or waited, for."""

    state: ImportState
    file_name: str
    object_key: str
    size_bytes: int
    created_by: str
    announced_sha256: bytes | None


class UploadRepository:
    """Imports in the database, until their file is there and a worker may take them."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def submit(self, new: NewImport, sha256: bytes, delay: timedelta | None = None) -> None:
        """Record an import whose file is stored and hand it to the workers, both or neither.

        They leave it alone for the `delay`.
        """
        async with driver_transaction(self._engine) as connection:
            await queries().submit_import(connection, **new.columns, sha256=sha256)
            await enqueue_import(connection, new.import_id, delay)

    async def announce(self, new: NewImport, sha256: bytes | None) -> None:
        """Record an import whose file is to be sent."""
        async with driver_transaction(self._engine) as connection:
            await queries().announce_import(connection, **new.columns, announced_sha256=sha256)

    async def awaited(self, import_id: UUID) -> AwaitedFile:
        """The file of the import. Raises ImportNotFoundError."""
        columns = (imports.c[name] for name in AwaitedFile.__slots__)
        with database_errors():
            async with self._engine.connect() as connection:
                found = await connection.execute(select(*columns).where(imports.c.id == import_id))
        row = found.one_or_none()
        if row is None:
            raise ImportNotFoundError(f"There is no import {import_id}.")
        state, *rest = row
        return AwaitedFile(ImportState(state), *rest)

    async def take(self, import_id: UUID, object_key: str, sha256: bytes) -> str:
        """Let the import name this object; the key that it named before.

        Raises ImportStateError when it waits no more.
        """
        found = select(imports.c.state, imports.c.object_key).where(imports.c.id == import_id)
        named = update(imports).where(imports.c.id == import_id)
        with database_errors():
            async with self._engine.begin() as connection:
                state, before = (await connection.execute(found.with_for_update())).one()
                if state != ImportState.AWAITING_UPLOAD:
                    raise takes_no_file(ImportState(state))
                await connection.execute(named.values(object_key=object_key, sha256=sha256))
                return str(before)

    async def complete(self, import_id: UUID, e_tag: str | None) -> bool:
        """Hand the import to the workers, to load the object of this `e_tag`.

        False, and nothing changed: it no longer awaits its file.
        """
        async with driver_transaction(self._engine) as connection:
            return await apply_and_enqueue(
                Transition.COMPLETE_UPLOAD, connection, import_id, e_tag=e_tag
            )


def takes_no_file(state: ImportState) -> ImportStateError:
    """What to tell whoever sends a file to an import that waits for none."""
    return ImportStateError(
        f"The import is {state}: it takes no file any more. Ask for a new upload."
    )
