"""Files on their way in: in a form, or straight to the storage by a signed URL."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from uuid import UUID, uuid4

from api.imports.errors import (
    EmptyFileError,
    FileTooLargeError,
    NotCsvError,
    NotYourImportError,
    UploadMissingError,
    WrongChecksumError,
    WrongSizeError,
)
from api.imports.multipart import FormFile, file_in_form, safe_file_name
from api.imports.options import parse_options
from api.imports.orphan_cleanup import kept_if_named
from api.imports.schemas import NewUpload, PresignedUpload, Uploaded
from api.imports.upload_repository import (
    AwaitedFile,
    NewImport,
    UploadRepository,
    takes_no_file,
)
from api.imports.upload_urls import UploadUrls
from core.imports import RETRIABLE, ImportState
from core.storage import Storage, source_key

EXTENSIONS = (".csv", ".csv.gz", ".csv.zst", ".parquet")


@dataclass(frozen=True, slots=True)
class Stored:
    """What a file turned out to be while it was stored."""

    size_bytes: int
    sha256: bytes


class UploadService:
    """Takes CSV files in. Of what it refuses nothing is kept."""

    def __init__(
        self, repository: UploadRepository, storage: Storage, urls: UploadUrls, max_bytes: int
    ) -> None:
        self._repository = repository
        self._storage = storage
        self._urls = urls
        self._max_bytes = max_bytes

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
        import_id = await self.take(file, uploaded_by)
        return Uploaded("File uploaded successfully", safe_file_name(file.name), import_id)

    async def take(self, file: FormFile, taken_from: str, delay: timedelta | None = None) -> UUID:
        """Store the file and queue its import, which workers leave alone for the `delay`.

        Raises as `upload`.
        """
        file_name = safe_file_name(file.name)
        import_id = uuid4()
        object_key = source_key(import_id, extension_of(file_name))
        async with kept_if_named(self._storage, object_key):
            stored = await self._stored(object_key, file.content)
            _require_bytes(stored.size_bytes)
            options = parse_options(file.fields)
            new = NewImport(
                import_id, file_name, object_key, stored.size_bytes, taken_from, options
            )
            await self._repository.submit(new, stored.sha256, delay)
        return import_id

    async def announce(self, upload: NewUpload, announced_by: str) -> PresignedUpload:
        """Where to put the file, and the import that waits for it.

        Raises NotCsvError, InvalidRequestError for the options, FileTooLargeError or
        UploadUrlsOffError.
        """
        options = parse_options(upload.options)
        file_name = safe_file_name(upload.file_name)
        import_id = uuid4()
        object_key = source_key(import_id, extension_of(file_name))
        if upload.size_bytes > self._max_bytes:
            raise FileTooLargeError(
                f"The file has {upload.size_bytes} bytes; {self._max_bytes} are allowed. Split it."
            )
        target = await self._urls.issue(import_id, object_key)
        new = NewImport(import_id, file_name, object_key, upload.size_bytes, announced_by, options)
        sha256_announced = bytes.fromhex(upload.sha256) if upload.sha256 else None
        await self._repository.announce(new, sha256_announced)
        return target

    def check_url(self, import_id: UUID, expires: str, signature: str) -> None:
        """Raise BadSignatureError or UploadUrlExpiredError unless the URL was given out of late."""
        self._urls.check(import_id, expires, signature)

    async def receive(
        self, import_id: UUID, content_length: int | None, body: AsyncIterator[bytes]
    ) -> None:
        """Store the file of an announced import under a key of its own; the last whole one counts.

        Raises ImportNotFoundError, ImportStateError, FileTooLargeError, WrongSizeError,
        WrongChecksumError or StorageError.
        """
        awaited = await self._repository.awaited(import_id)
        _require_awaited(awaited)
        if content_length is not None:
            _require_size(awaited, content_length)
        object_key = source_key(import_id, extension_of(awaited.file_name), uuid4())
        async with kept_if_named(self._storage, object_key):
            stored = await self._stored(object_key, _at_most(body, awaited.size_bytes))
            _require_size(awaited, stored.size_bytes)
            _require_checksum(awaited, stored.sha256)
            replaced = await self._repository.take(import_id, object_key, stored.sha256)
        await self._storage.delete([replaced])

    async def complete(self, import_id: UUID, completed_by: str) -> None:
        """Queue an import whose file has arrived; harmless when repeated.

        Raises ImportNotFoundError, NotYourImportError, ImportStateError, UploadMissingError,
        WrongSizeError or StorageError.
        """
        awaited = await self._repository.awaited(import_id)
        if awaited.created_by != completed_by:
            raise NotYourImportError("Only who asked for the upload can complete it.")
        if awaited.state is ImportState.AWAITING_UPLOAD:
            stored = await self._storage.head(awaited.object_key)
            if stored is None:
                raise UploadMissingError(
                    "The file is not there yet: send it to the uploadUrl first, then complete."
                )
            _require_size(awaited, stored.size_bytes)
            if await self._repository.complete(import_id, stored.e_tag):
                return
            awaited = await self._repository.awaited(import_id)
        if awaited.state in RETRIABLE:
            _require_awaited(awaited)

    async def _stored(self, object_key: str, content: AsyncIterator[bytes]) -> Stored:
        """Store the content, told by what it was."""
        size_bytes, checksum = 0, sha256()

        async def counted() -> AsyncIterator[bytes]:
            nonlocal size_bytes
            async for chunk in content:
                size_bytes += len(chunk)
                checksum.update(chunk)
                yield chunk

        await self._storage.put(object_key, counted())
        return Stored(size_bytes, checksum.digest())


def extension_of(file_name: str) -> str:
    """The end of a CSV file's name, in lower case. Raises NotCsvError for any other name."""
    for extension in EXTENSIONS:
        if file_name.lower().endswith(extension):
            return extension
    raise NotCsvError("Only CSV files are allowed")


def _require_bytes(size_bytes: int) -> None:
    if size_bytes == 0:
        raise EmptyFileError("The file is empty")


def _require_awaited(awaited: AwaitedFile) -> None:
    if awaited.state is not ImportState.AWAITING_UPLOAD:
        raise takes_no_file(awaited.state)


def _require_size(awaited: AwaitedFile, size_bytes: int) -> None:
    if size_bytes > awaited.size_bytes:
        raise _too_large(awaited.size_bytes)
    if size_bytes < awaited.size_bytes:
        raise WrongSizeError(
            f"The file has {size_bytes} bytes where {awaited.size_bytes} were announced. "
            "Send it again, whole."
        )


def _require_checksum(awaited: AwaitedFile, digest: bytes) -> None:
    if awaited.announced_sha256 not in {None, digest}:
        raise WrongChecksumError(
            f"The file that arrived has the SHA-256 {digest.hex()}, another was announced. "
            "Send it again."
        )


async def _at_most(body: AsyncIterator[bytes], size_bytes: int) -> AsyncIterator[bytes]:
    left = size_bytes
    async for chunk in body:
        left -= len(chunk)
        if left < 0:
            raise _too_large(size_bytes)
        yield chunk


def _too_large(allowed_bytes: int) -> FileTooLargeError:
    return FileTooLargeError(f"The file has more than the {allowed_bytes} bytes announced for it.")
