"""Rejected rows come back corrected, for the import that they were rejected from."""

import re
from asyncio import to_thread
from bisect import bisect_right
from collections.abc import AsyncIterator, Iterable
from pathlib import PurePosixPath
from uuid import UUID, uuid4

from api.http.query_parameters import invalid_parameter, printable
from api.imports.errors import ImportStateError, NeverRejectedError
from api.imports.multipart import file_in_form
from api.imports.orphan_cleanup import kept_if_named
from api.imports.rejects_file import as_object, corrected_rows, require_own_name
from api.imports.repository import ImportRepository
from api.imports.schemas import Import
from core.storage import Storage, corrections_key, rejects_folder

# A line of a file has no line end in it, so neither has a row that was rejected from one.
LINE = re.compile(rb"^([0-9]+),", re.MULTILINE)


class RepairService:
    """Takes corrected rows in."""

    def __init__(self, repository: ImportRepository, storage: Storage) -> None:
        self._repository = repository
        self._storage = storage

    async def repair(
        self, import_id: UUID, content_type: str, body: AsyncIterator[bytes]
    ) -> Import:
        """The import, queued to load the corrected rows; rows repaired before are passed over.

        Raises ImportNotFoundError, ImportStateError, MalformedRejectsError, ForeignRejectsError,
        NeverRejectedError, what `file_in_form` raises, or StorageError.
        """
        await self._repository.get(import_id)
        file = await file_in_form(content_type, body)
        require_own_name(file.name, import_id)
        content = b"".join([chunk async for chunk in file.content])
        for name in file.fields:
            raise invalid_parameter(printable(name), "is not a known field", "unknown_field")
        rows = await to_thread(corrected_rows, content)
        await self._require_rejected(import_id, list(rows))
        object_key = corrections_key(import_id, uuid4())
        async with kept_if_named(self._storage, object_key):
            await self._storage.put(object_key, await to_thread(as_object, rows))
            await self._queue(import_id, object_key)
        return await self._repository.get(import_id)

    async def _queue(self, import_id: UUID, object_key: str) -> None:
        if not await self._repository.queue_repair(import_id, object_key):
            state = (await self._repository.get(import_id)).state
            raise ImportStateError(
                f"The import is {state}: rows can be repaired once it is done, or has failed with "
                "no_valid_rows."
            )

    async def _require_rejected(self, import_id: UUID, lines: list[int]) -> None:
        """Raise NeverRejectedError unless all the lines, in order, were rejected at first."""
        parts = await self._storage.keys(rejects_folder(import_id))
        starts = [int(PurePosixPath(part).stem) for part in parts]
        wanted: dict[int, set[int]] = {}
        for line in lines:
            wanted.setdefault(bisect_right(starts, line) - 1, set()).add(line)
        for number, some in wanted.items():
            known = await self._lines_of(parts[number]) if number >= 0 else set()
            if unknown := some - known:
                raise _never_rejected(unknown)

    async def _lines_of(self, part: str) -> set[int]:
        content = b"".join([chunk async for chunk in self._storage.read(part)])
        return await to_thread(lambda: {int(found) for found in LINE.findall(content)})


def _never_rejected(lines: Iterable[int]) -> NeverRejectedError:
    return NeverRejectedError(
        f"Line {min(lines)} was never rejected by this import: is the list that of another one?"
    )
