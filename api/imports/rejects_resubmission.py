"""Corrected rows sent to the import that rejected them."""

from asyncio import to_thread
from bisect import bisect_right
from collections.abc import AsyncIterator, Iterable
from pathlib import PurePosixPath
from uuid import UUID, uuid4

from api.http.csv_dialects import CsvDialect
from api.http.parsers import invalid_parameter, printable
from api.imports.errors import ImportStateError, NeverRejectedError
from api.imports.multipart import read_form_file
from api.imports.orphan_cleanup import delete_object_on_failure
from api.imports.rejects_file import (
    RejectKey,
    encode_corrected_rows,
    parse_corrected_rows,
    require_matching_name,
    stored_records,
)
from api.imports.repository import ImportRepository
from api.imports.schemas import Import
from core.imports import ImportFault
from core.storage import Storage, corrections_key, rejects_folder


class RejectsResubmissionService:
    """Accepts corrected rows and queues their import to load them."""

    def __init__(self, repository: ImportRepository, storage: Storage) -> None:
        self._repository = repository
        self._storage = storage

    async def resubmit(
        self,
        import_id: UUID,
        content_type: str,
        body: AsyncIterator[bytes],
        dialect: CsvDialect = CsvDialect.PLAIN,
    ) -> Import:
        """The import, queued to load the corrected rows; those loaded before are skipped.

        Raises ImportNotFoundError, ImportStateError, MalformedRejectsError, ForeignRejectsError,
        NeverRejectedError, what `read_form_file` raises, or StorageError.
        """
        by_cell = (await self._repository.get(import_id)).options.is_wide
        file = await read_form_file(content_type, body)
        require_matching_name(file.name, import_id)
        content = b"".join([chunk async for chunk in file.content])
        for name in file.fields:
            raise invalid_parameter(printable(name), "is not a known field", "unknown_field")
        rows = await to_thread(parse_corrected_rows, content, dialect, by_cell=by_cell)
        await self._require_rejected(import_id, rows, by_cell=by_cell)
        object_key = corrections_key(import_id, uuid4())
        async with delete_object_on_failure(self._storage, object_key):
            encoded = await to_thread(encode_corrected_rows, rows, by_cell=by_cell)
            await self._storage.put(object_key, encoded)
            await self._queue(import_id, object_key)
        return await self._repository.get(import_id)

    async def _queue(self, import_id: UUID, object_key: str) -> None:
        if not await self._repository.queue_resubmission(import_id, object_key):
            state = (await self._repository.get(import_id)).state
            raise ImportStateError(
                f"The import is {state}: rows can be repaired once it is done, or has failed with "
                f"{ImportFault.NO_VALID_ROWS}."
            )

    async def _require_rejected(
        self, import_id: UUID, keys: Iterable[RejectKey], *, by_cell: bool
    ) -> None:
        """Raise NeverRejectedError unless the first list of rejects has every one of the keys.

        Each part of that list is named by its first line, so only the parts that may hold one of
        the lines are read. A line that was rejected as a whole may come back as its cells.
        """
        parts = await self._storage.keys(rejects_folder(import_id))
        first_lines = [int(PurePosixPath(part).stem) for part in parts]
        keys_by_part: dict[int, list[RejectKey]] = {}
        for key in keys:
            keys_by_part.setdefault(bisect_right(first_lines, key.line) - 1, []).append(key)
        for index, keys_of_part in keys_by_part.items():
            rejected = await self._rejected(parts[index], by_cell=by_cell) if index >= 0 else set()
            for key in keys_of_part:
                if rejected.isdisjoint({key, RejectKey(key.line)}):
                    raise _never_rejected(key)

    async def _rejected(self, part: str, *, by_cell: bool) -> set[RejectKey]:
        content = b"".join([chunk async for chunk in self._storage.read(part)])
        return await to_thread(
            lambda: {
                RejectKey(int(line), column if by_cell else "")
                for line, _, column, _ in stored_records(content)
            }
        )


def _never_rejected(key: RejectKey) -> NeverRejectedError:
    return NeverRejectedError(
        f"Line {key} was never rejected by this import: is the list that of another one?"
    )
