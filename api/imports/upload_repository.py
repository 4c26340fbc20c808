from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple
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


class Sender(NamedTuple):
    """Who sends a file; the name, if there is one, is for people."""

    subject: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class NewImport:
    """An import that has no row yet."""

    import_id: UUID
    file_name: str
    object_key: str
    size_bytes: int
    sender: Sender
    options: ImportOptions

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of its row, as parameters of a query."""
        return {
            "import_id": self.import_id,
            "file_name": self.file_name,
            "object_key": self.object_key,
            "size_bytes": self.size_bytes,
            "created_by": self.sender.subject,
            "created_by_name": self.sender.name,
            "options": msgspec.json.encode(self.options).decode(),
        }


@dataclass(frozen=True, slots=True)
class ExpectedFile:
    """The file that an import awaits or has received, as the client declared it."""

    state: ImportState
    file_name: str
    object_key: str
    size_bytes: int
    created_by: str
    announced_sha256: bytes | None


class UploadRepository:
    """Imports until their file has arrived and they are queued."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def create_queued(
        self, new: NewImport, sha256: bytes, delay: timedelta | None = None
    ) -> None:
        """Create an import whose file is stored, and its job, in one transaction.

        No worker claims the job before the `delay` has passed.
        """
        async with driver_transaction(self._engine) as connection:
            await queries().create_queued_import(connection, **new.columns, sha256=sha256)
            await enqueue_import(connection, new.import_id, delay)

    async def create_awaiting_upload(self, new: NewImport, sha256: bytes | None) -> None:
        """Create an import whose file is to be sent, with the checksum that the client declared."""
        async with driver_transaction(self._engine) as connection:
            await queries().create_import_awaiting_upload(
                connection, **new.columns, announced_sha256=sha256
            )

    async def expected_file(self, import_id: UUID) -> ExpectedFile:
        """The file of the import, and the import's state. Raises ImportNotFoundError."""
        columns = (imports.c[name] for name in ExpectedFile.__slots__)
        with database_errors():
            async with self._engine.connect() as connection:
                rows = await connection.execute(select(*columns).where(imports.c.id == import_id))
        row = rows.one_or_none()
        if row is None:
            raise ImportNotFoundError(f"There is no import {import_id}.")
        state, *rest = row
        return ExpectedFile(ImportState(state), *rest)

    async def replace_object(self, import_id: UUID, object_key: str, sha256: bytes) -> str:
        """Let the import refer to this object; the key of the object before.

        Raises ImportStateError when the import no longer awaits its file.
        """
        current = select(imports.c.state, imports.c.object_key).where(imports.c.id == import_id)
        replaced = update(imports).where(imports.c.id == import_id)
        with database_errors():
            async with self._engine.begin() as connection:
                state, previous_key = (await connection.execute(current.with_for_update())).one()
                if state != ImportState.AWAITING_UPLOAD:
                    raise not_awaiting_upload(ImportState(state))
                await connection.execute(replaced.values(object_key=object_key, sha256=sha256))
                return str(previous_key)

    async def complete(self, import_id: UUID, e_tag: str | None) -> bool:
        """Queue the import, to load the object that has this `e_tag`.

        False, and nothing changed: it no longer awaits its file.
        """
        async with driver_transaction(self._engine) as connection:
            return await apply_and_enqueue(
                Transition.COMPLETE_UPLOAD, connection, import_id, e_tag=e_tag
            )


def not_awaiting_upload(state: ImportState) -> ImportStateError:
    """The error of a file sent to an import in this state."""
    return ImportStateError(
        f"The import is {state}: it takes no file any more. Ask for a new upload."
    )
