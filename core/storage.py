"""Uploaded files and rejects, in a local folder or an S3-compatible bucket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from core.errors import StorageError
from core.settings import StorageSettings

CHUNK_BYTES = 8 * 2**20

# A local folder's errors arrive as what Python calls them: FileNotFoundError, PermissionError.
STORE_ERRORS = (BaseError, OSError)


def rejects_folder(import_id: UUID) -> str:
    """Where an import's rejects lie: CSV parts without header, named by their first line."""
    return f"imports/{import_id}/rejects"


def source_key(import_id: UUID, extension: str) -> str:
    """Where an uploaded file lies; `extension` is ".csv" or ".csv.gz"."""
    return f"imports/{import_id}/source{extension}"


class Storage:
    """One folder or bucket of objects. Every method raises StorageError when it cannot act."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    @classmethod
    def open(cls, settings: StorageSettings) -> "Storage":
        """The storage at the settings' URL; a missing local folder is made."""
        if "://" in settings.url:
            return cls(from_url(settings.url))
        folder = Path(settings.url).absolute()
        return cls(LocalStore(folder, mkdir=True))

    async def put(self, key: str, content: AsyncIterator[bytes] | bytes) -> None:
        """Store the content under `key`, whole or not at all, in bounded memory."""
        try:
            await obstore.put_async(self._store, key, content)
        except STORE_ERRORS as error:
            raise _storage_error(key) from error

    async def read(self, key: str) -> AsyncIterator[bytes]:
        """The object's bytes, in chunks."""
        try:
            result = await obstore.get_async(self._store, key)
            async for chunk in result.stream(min_chunk_size=CHUNK_BYTES):
                yield bytes(chunk)
        except STORE_ERRORS as error:
            raise _storage_error(key) from error

    async def keys(self, prefix: str) -> list[str]:
        """The keys below the folder `prefix`, in order."""
        try:
            listing = await obstore.list(self._store, prefix).collect_async()
        except STORE_ERRORS as error:
            raise _storage_error(prefix) from error
        return sorted(entry["path"] for entry in listing)

    async def delete(self, keys: list[str]) -> None:
        """Remove the objects; those that are not there are no error."""
        for key in keys:
            try:
                await obstore.delete_async(self._store, key)
            except FileNotFoundError:
                continue
            except STORE_ERRORS as error:
                raise _storage_error(key) from error

    @asynccontextmanager
    async def as_file(self, key: str) -> AsyncIterator[Path]:
        """The object as a file to read: itself in a local folder, else a temporary copy."""
        if isinstance(self._store, LocalStore) and self._store.prefix is not None:
            yield Path(self._store.prefix) / key
            return
        with TemporaryDirectory(prefix="sensorflow-") as folder:
            path = Path(folder) / Path(key).name
            with path.open("wb") as file:
                async for chunk in self.read(key):
                    file.write(chunk)
            yield path


def _storage_error(key: str) -> StorageError:
    return StorageError(
        f"The object store did not give or take {key!r}. See SENSORFLOW_STORAGE_URL and the log.",
        key=key,
    )
