from collections.abc import AsyncIterator
from hashlib import sha256
from uuid import UUID, uuid4

from api.cursors import cursor_of, encode_cursor
from api.imports.cursor import Cursor
from api.imports.errors import EmptyFileError, ImportStateError, NotCsvError
from api.imports.form import file_in_form, safe_file_name
from api.imports.options import parse_options
from api.imports.repository import ImportRepository, NewImport
from api.imports.schemas import Import, ImportPage, Uploaded
from api.imports.waiting import FinishedImports
from core.errors import DatabaseUnavailableError
from core.imports import ImportState
from core.storage import Storage, rejects_folder, source_key

EXTENSIONS = (".csv.gz", ".csv")
REJECTS_HEADER = b"line,code,column,row\n"
AFTER = cursor_of(Cursor)


class ImportService:
    """Takes CSV files in and tells what became of them."""

    def __init__(
        self, repository: ImportRepository, storage: Storage, finished: FinishedImports
    ) -> None:
        self._repository = repository
        self._storage = storage
        self._finished = finished

    async def upload(
        self, content_type: str, body: AsyncIterator[bytes], uploaded_by: str
    ) -> Uploaded:
        """Store the file of the form and queue its import; both have happened when this returns.

        Raises the errors of api/imports/errors.py, InvalidRequestError for the other fields, or
        StorageError, and then nothing is kept;
        DatabaseUnavailableError, and then the import may have been queued all the same.
        """
        file = await file_in_form(content_type, body)
        parse_options(file.fields)  # a mistake before the file is told before the file is taken
        file_name = safe_file_name(file.name)
        import_id = uuid4()
        object_key = source_key(import_id, extension_of(file_name))
        try:
            size_bytes, digest = await self._stored(object_key, file.content)
            options = parse_options(file.fields)
            await self._repository.submit(
                NewImport(
                    import_id, file_name, object_key, size_bytes, digest, uploaded_by, options
                )
            )
        except DatabaseUnavailableError:
            raise  # perhaps only the answer to COMMIT was lost: then the import needs its file
        except BaseException:  # a client that went away cancels the task: that counts as well
            await self._storage.delete([object_key])
            raise
        return Uploaded("File uploaded successfully", file_name, import_id)

    async def page(self, limit: int, cursor: str | None) -> ImportPage:
        """A page of imports, newest first. Raises InvalidRequestError."""
        after = AFTER("cursor", cursor) if cursor is not None else None
        found = await self._repository.page(limit + 1, after)
        items = found[:limit]
        if len(found) <= limit:
            return ImportPage(items, None)
        last = Cursor(items[-1].created_at, items[-1].import_id)
        return ImportPage(items, encode_cursor(last))

    async def get(self, import_id: UUID) -> Import:
        """The import as it stands. Raises ImportNotFoundError."""
        return await self._repository.get(import_id)

    async def get_finished(self, import_id: UUID, timeout_seconds: float) -> Import:
        """The import when it is finished, or as it stands after the timeout."""
        await self._finished.wait(import_id, timeout_seconds)
        return await self._repository.get(import_id)

    async def cancel(self, import_id: UUID) -> Import:
        """The import, cancelled; what it has loaded stays. Harmless when repeated.

        Raises ImportNotFoundError, or ImportStateError when all of its rows are loaded or it has
        failed.
        """
        await self._repository.cancel(import_id)
        current = await self._repository.get(import_id)
        if current.state != ImportState.CANCELLED:
            raise ImportStateError(
                f"The import is {current.state}: only one that waits or loads can be cancelled."
            )
        return current

    async def retry(self, import_id: UUID) -> Import:
        """The import, queued to go on behind its last batch.

        Raises ImportNotFoundError, or ImportStateError when it has neither failed nor been
        cancelled.
        """
        queued = await self._repository.retry(import_id)
        current = await self._repository.get(import_id)
        if not queued:
            raise ImportStateError(
                f"The import is {current.state}: only a failed or cancelled one can be retried."
            )
        return current

    async def rejects(self, import_id: UUID) -> AsyncIterator[bytes]:
        """The rejected rows as CSV. Raises ImportNotFoundError before anything is read."""
        await self._repository.get(import_id)
        return self._rejects(await self._storage.keys(rejects_folder(import_id)))

    async def _rejects(self, parts: list[str]) -> AsyncIterator[bytes]:
        yield REJECTS_HEADER
        for part in parts:
            async for chunk in self._storage.read(part):
                yield chunk

    async def _stored(self, object_key: str, content: AsyncIterator[bytes]) -> tuple[int, bytes]:
        """Size and SHA-256 of what was stored."""
        size_bytes, checksum = 0, sha256()

        async def counted() -> AsyncIterator[bytes]:
            nonlocal size_bytes
            async for chunk in content:
                size_bytes += len(chunk)
                checksum.update(chunk)
                yield chunk

        await self._storage.put(object_key, counted())
        if size_bytes == 0:
            raise EmptyFileError("The file is empty")
        return size_bytes, checksum.digest()


def extension_of(file_name: str) -> str:
    """The end of a CSV file's name, in lower case. Raises NotCsvError for any other name."""
    for extension in EXTENSIONS:
        if file_name.lower().endswith(extension):
            return extension
    raise NotCsvError("Only CSV files are allowed")
