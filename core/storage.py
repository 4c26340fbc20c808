"""Uploaded files and rejects, in a local folder or an S3-compatible bucket."""

import re
from asyncio import to_thread
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit
from uuid import UUID

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, S3Store, from_url

from core.errors import ObjectMissingError, ObjectReplacedError, StorageError
from core.setting_errors import require_writable
from core.settings import StorageSettings

CHUNK_BYTES = 8 * 2**20
LIST_PAGE_OBJECTS = 1000
CONCURRENT_PARTS = 2  # of 5 MB each, in memory until they are uploaded

IMPORTS_FOLDER = "imports"

STAGING_NAME = re.compile("#[0-9]+$")

# What every key of ours is made of. A key leads out of a folder, or of a bucket's prefix, with dots
# alone between slashes, or with a slash at its start.
KEY = re.compile(r"(?:(?!\.+(?:/|\Z))[A-Za-z0-9._-]+(?:/(?!\Z)|\Z))+")

# Errors of a local folder are raised as Python's: FileNotFoundError, PermissionError.
STORE_ERRORS = (BaseError, OSError)


def rejects_folder(import_id: UUID, generation: int = 0) -> str:
    """Where an import's rejects are stored: CSV parts without header, named by their first line.

    Each resubmission makes another generation; 0 are the rejects of the import itself.
    """
    name = f"rejects-{generation}" if generation else "rejects"
    return f"{IMPORTS_FOLDER}/{import_id}/{name}"


def corrections_key(import_id: UUID, upload_id: UUID) -> str:
    """Where corrected rows of an import are stored: CSV with line and row."""
    return f"{IMPORTS_FOLDER}/{import_id}/corrections/{upload_id}.csv"


def source_key(import_id: UUID, extension: str, upload_id: UUID | None = None) -> str:
    """Where an uploaded file is stored; `extension` is that of its name.

    Where a file may be uploaded more than once, each `upload_id` has a key of its own.
    """
    name = f"source-{upload_id}" if upload_id else "source"
    return f"{IMPORTS_FOLDER}/{import_id}/{name}{extension}"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """The metadata of an object.

    `e_tag` identifies its content; None in a folder, where no signed URL can replace the object.
    """

    size_bytes: int
    e_tag: str | None


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An object as a file; `sha256` is None if it was not copied, and so not read."""

    path: Path
    sha256: bytes | None


class Storage:
    """One folder or bucket of objects. Every method raises StorageError when it fails."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        local = isinstance(store, LocalStore) and store.prefix
        self._folder = Path(local) if local else None

    @classmethod
    def open(cls, settings: StorageSettings) -> "Storage":
        """The storage at the settings' URL; a missing folder is made.

        Raises SettingError where nothing can be stored in the folder.
        """
        if settings.url.startswith("s3://"):
            return cls(from_url(settings.url))
        path = urlsplit(settings.url).path if "://" in settings.url else settings.url
        folder = require_writable(Path(path).absolute(), StorageSettings, "url")
        return cls(LocalStore(folder))

    async def put(self, key: str, content: AsyncIterator[bytes] | bytes) -> None:
        """Store the content under `key`, atomically and in bounded memory."""
        try:
            await obstore.put_async(
                self._store, _own_key(key), content, max_concurrency=CONCURRENT_PARTS
            )
        except STORE_ERRORS as error:
            raise _storage_error(key) from error

    async def signed_put_url(self, key: str, lifetime: timedelta) -> str | None:
        """A presigned URL for PUT of `key`; None if this storage cannot presign."""
        if not isinstance(self._store, S3Store):
            return None
        try:
            return await obstore.sign_async(self._store, "PUT", _own_key(key), lifetime)
        except STORE_ERRORS as error:
            raise _storage_error(key) from error

    async def head(self, key: str) -> StoredObject | None:
        """The metadata of the object under `key`; None if there is none."""
        try:
            metadata = await obstore.head_async(self._store, _own_key(key))
            return StoredObject(metadata["size"], None if self._folder else metadata["e_tag"])
        except FileNotFoundError:
            return None
        except STORE_ERRORS as error:
            raise _storage_error(key) from error

    async def read(self, key: str, e_tag: str | None = None) -> AsyncIterator[bytes]:
        """The object's bytes, in chunks; with `e_tag`, only those of that very object.

        Raises ObjectMissingError or ObjectReplacedError.
        """
        try:
            result = await obstore.get_async(self._store, _own_key(key))
            if e_tag not in {None, result.meta["e_tag"]}:  # not every store respects If-Match
                raise _object_replaced(key)
            async for chunk in result.stream(min_chunk_size=CHUNK_BYTES):
                yield bytes(chunk)
        except FileNotFoundError as error:
            raise _object_missing(key) from error
        except STORE_ERRORS as error:
            raise _storage_error(key) from error

    async def keys(self, prefix: str) -> list[str]:
        """The keys below the folder `prefix`, sorted."""
        try:
            listing = await obstore.list(self._store, _own_key(prefix)).collect_async()
        except STORE_ERRORS as error:
            raise _storage_error(prefix) from error
        return sorted(entry["path"] for entry in listing)

    async def keys_stored_before(self, cutoff: datetime, prefix: str) -> AsyncIterator[list[str]]:
        """The keys below the folder `prefix` that were stored before `cutoff`, page by page."""
        try:
            pages = obstore.list(self._store, _own_key(prefix), chunk_size=LIST_PAGE_OBJECTS)
            async for page in pages:
                yield [entry["path"] for entry in page if entry["last_modified"] < cutoff]
        except STORE_ERRORS as error:
            raise _storage_error(prefix) from error

    async def delete_partial_files(self, cutoff: datetime) -> int:
        """Delete what interrupted puts wrote before `cutoff` to a folder; returns how many files.

        A bucket does so by a lifecycle rule: docs/deployment.md.
        """
        return await to_thread(_delete_partial_files, self._folder, cutoff) if self._folder else 0

    async def delete(self, keys: list[str]) -> None:
        """Delete the objects; missing ones are no error."""
        for key in keys:
            try:
                await obstore.delete_async(self._store, _own_key(key))
            except FileNotFoundError:
                continue
            except STORE_ERRORS as error:
                raise _storage_error(key) from error

    @asynccontextmanager
    async def as_file(self, key: str, e_tag: str | None = None) -> AsyncIterator[StoredFile]:
        """The object as a file to read: itself in a local folder, else a temporary copy.

        Raises ObjectMissingError, or ObjectReplacedError if the object is not that of `e_tag`.
        """
        if self._folder is not None:
            path = self._folder / _own_key(key)
            await to_thread(_require_file, self._folder, path, key)
            yield StoredFile(path, None)
            return
        with TemporaryDirectory(prefix="sensorflow-") as folder:
            path = Path(folder) / Path(key).name
            yield StoredFile(path, await _copied(self.read(key, e_tag), path))


def _own_key(key: str) -> str:
    """The key, if it is made as ours are. Raises StorageError."""
    if not KEY.fullmatch(key):
        raise StorageError(f"{key!r} is no key of an object of this platform.", key=key)
    return key


async def _copied(content: AsyncIterator[bytes], path: Path) -> bytes:
    """Write the content to the file as it arrives; returns its SHA-256."""
    checksum = sha256()
    with path.open("wb") as file:

        def write(chunk: bytes) -> None:
            file.write(chunk)
            checksum.update(chunk)

        async for chunk in content:
            await to_thread(write, chunk)
    return checksum.digest()


def _require_file(folder: Path, path: Path, key: str) -> None:
    if not path.is_file():
        raise _object_missing(key) if folder.is_dir() else _storage_error(key)


def _delete_partial_files(folder: Path, cutoff: datetime) -> int:
    # A put writes to a staging file, which listings omit, and renames it at the end.
    staging = [
        path for path in folder.rglob("*#*") if STAGING_NAME.search(path.name) and path.is_file()
    ]
    old = [path for path in staging if path.stat().st_mtime < cutoff.timestamp()]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _object_missing(key: str) -> ObjectMissingError:
    return ObjectMissingError(
        f"{key!r} is not in the object store any more. See SENSORFLOW_STORAGE_URL.", key=key
    )


def _object_replaced(key: str) -> ObjectReplacedError:
    return ObjectReplacedError(
        f"Another object was stored under {key!r} since. Ask for a new upload.", key=key
    )


def _storage_error(key: str) -> StorageError:
    return StorageError(
        f"The object store did not give or take {key!r}. See SENSORFLOW_STORAGE_URL and the log.",
        key=key,
    )
