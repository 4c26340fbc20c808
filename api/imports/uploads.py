"""Uploads of files to import: in a form, or to a signed URL."""

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
from api.imports.multipart import FormFile, read_form_file, safe_file_name
from api.imports.options import parse_options
from api.imports.orphan_cleanup import delete_object_on_failure
from api.imports.schemas import NewUpload, PresignedUpload, Uploaded
from api.imports.upload_repository import (
    ExpectedFile,
    NewImport,
    Sender,
    UploadRepository,
    not_awaiting_upload,
)
from api.imports.upload_urls import UploadUrls
from core.imports import RETRIABLE, ImportState
from core.storage import Storage, source_key

TEXT_EXTENSIONS = (".csv", ".tsv", ".txt")
COMPRESSIONS = ("", ".gz", ".zst")
EXTENSIONS = (
    *(text + compression for text in TEXT_EXTENSIONS for compression in COMPRESSIONS),
    ".zip",
    ".xlsx",
    ".parquet",
)


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """Size and checksum of an object, measured while it was stored."""

    size_bytes: int
    sha256: bytes


class UploadService:
    """Stores files and creates their imports. Of a rejected file nothing stays stored."""

    def __init__(
        self, repository: UploadRepository, storage: Storage, urls: UploadUrls, max_bytes: int
    ) -> None:
        self._repository = repository
        self._storage = storage
        self._urls = urls
        self._max_bytes = max_bytes

    async def upload(
        self, content_type: str, body: AsyncIterator[bytes], sender: Sender
    ) -> Uploaded:
        """Store the file of the form and queue its import; both are committed on return.

        Raises the errors of api/imports/errors.py, InvalidRequestError for the other fields, or
        StorageError, and then nothing stays stored;
        DatabaseUnavailableError, and then the import may have been queued all the same.
        """
        file = await read_form_file(content_type, body)
        parse_options(file.fields)  # reject invalid fields before the file, without receiving it
        import_id = await self.store_and_queue(file, sender)
        return Uploaded("File uploaded successfully", safe_file_name(file.name), import_id)

    async def store_and_queue(
        self, file: FormFile, sender: Sender, delay: timedelta | None = None
    ) -> UUID:
        """Store the file and queue its import, which no worker claims before the `delay`.

        Raises as `upload`.
        """
        file_name = safe_file_name(file.name)
        import_id = uuid4()
        object_key = source_key(import_id, extension_of(file_name))
        async with delete_object_on_failure(self._storage, object_key):
            stored = await self._store(object_key, file.content)
            _require_bytes(stored.size_bytes)
            options = parse_options(file.fields)
            new = NewImport(import_id, file_name, object_key, stored.size_bytes, sender, options)
            await self._repository.create_queued(new, stored.sha256, delay)
        return import_id

    async def presign(self, upload: NewUpload, sender: Sender) -> PresignedUpload:
        """Create an import that awaits its file; the URL to send the file to.

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
        presigned = await self._urls.issue(import_id, object_key)
        new = NewImport(import_id, file_name, object_key, upload.size_bytes, sender, options)
        declared_sha256 = bytes.fromhex(upload.sha256) if upload.sha256 else None
        await self._repository.create_awaiting_upload(new, declared_sha256)
        return presigned

    def verify_url(self, import_id: UUID, expires: str, signature: str) -> None:
        """Raise BadSignatureError or UploadUrlExpiredError unless `presign` returned the URL."""
        self._urls.verify(import_id, expires, signature)

    async def receive(
        self, import_id: UUID, content_length: int | None, body: AsyncIterator[bytes]
    ) -> None:
        """Store the file of an import that awaits it; of several, the last complete one counts.

        Each is stored under a key of its own, so that a transfer in progress replaces nothing.

        Raises ImportNotFoundError, ImportStateError, FileTooLargeError, WrongSizeError,
        WrongChecksumError or StorageError.
        """
        expected = await self._repository.expected_file(import_id)
        _require_awaiting_upload(expected)
        if content_length is not None:
            _require_size(expected, content_length)
        object_key = source_key(import_id, extension_of(expected.file_name), uuid4())
        async with delete_object_on_failure(self._storage, object_key):
            stored = await self._store(object_key, _limit_size(body, expected.size_bytes))
            _require_size(expected, stored.size_bytes)
            _require_checksum(expected, stored.sha256)
            previous_key = await self._repository.replace_object(
                import_id, object_key, stored.sha256
            )
        await self._storage.delete([previous_key])

    async def complete(self, import_id: UUID, completed_by: str) -> None:
        """Queue an import whose file has arrived; harmless when repeated.

        Raises ImportNotFoundError, NotYourImportError, ImportStateError, UploadMissingError,
        WrongSizeError or StorageError.
        """
        expected = await self._repository.expected_file(import_id)
        if expected.created_by != completed_by:
            raise NotYourImportError("Only who asked for the upload can complete it.")
        if expected.state is ImportState.AWAITING_UPLOAD:
            e_tag = await self._uploaded_e_tag(expected)
            if await self._repository.complete(import_id, e_tag):
                return
            expected = await self._repository.expected_file(import_id)
        if expected.state in RETRIABLE:
            _require_awaiting_upload(expected)

    async def _uploaded_e_tag(self, expected: ExpectedFile) -> str | None:
        stored = await self._storage.head(expected.object_key)
        if stored is None:
            raise UploadMissingError(
                "The file is not there yet: send it to the uploadUrl first, then complete."
            )
        _require_size(expected, stored.size_bytes)
        return stored.e_tag

    async def _store(self, object_key: str, content: AsyncIterator[bytes]) -> StoredUpload:
        size_bytes, checksum = 0, sha256()

        async def measured() -> AsyncIterator[bytes]:
            nonlocal size_bytes
            async for chunk in content:
                size_bytes += len(chunk)
                checksum.update(chunk)
                yield chunk

        await self._storage.put(object_key, measured())
        return StoredUpload(size_bytes, checksum.digest())


def extension_of(file_name: str) -> str:
    """The supported extension of a file name, in lower case. Raises NotCsvError if it has none."""
    for extension in EXTENSIONS:
        if file_name.lower().endswith(extension):
            return extension
    raise NotCsvError(EXTENSIONS)


def _require_bytes(size_bytes: int) -> None:
    if size_bytes == 0:
        raise EmptyFileError("The file is empty")


def _require_awaiting_upload(expected: ExpectedFile) -> None:
    if expected.state is not ImportState.AWAITING_UPLOAD:
        raise not_awaiting_upload(expected.state)


def _require_size(expected: ExpectedFile, size_bytes: int) -> None:
    if size_bytes > expected.size_bytes:
        raise _too_large(expected.size_bytes)
    if size_bytes < expected.size_bytes:
        raise WrongSizeError(
            f"The file has {size_bytes} bytes where {expected.size_bytes} were announced. "
            "Send it again, whole."
        )


def _require_checksum(expected: ExpectedFile, digest: bytes) -> None:
    if expected.announced_sha256 not in {None, digest}:
        raise WrongChecksumError(
            f"The file that arrived has the SHA-256 {digest.hex()}, another was announced. "
            "Send it again."
        )


async def _limit_size(body: AsyncIterator[bytes], size_bytes: int) -> AsyncIterator[bytes]:
    left = size_bytes
    async for chunk in body:
        left -= len(chunk)
        if left < 0:
            raise _too_large(size_bytes)
        yield chunk


def _too_large(allowed_bytes: int) -> FileTooLargeError:
    return FileTooLargeError(f"The file has more than the {allowed_bytes} bytes announced for it.")
