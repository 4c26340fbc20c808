from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct, field

from core.imports import ImportOptions, ImportState
from core.row_warnings import ReportedWarning


class Uploaded(Struct, frozen=True, rename="camel"):
    """The response to a stored upload."""

    message: str
    file_name: str
    import_id: UUID


class NewUpload(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A file that is to be sent to a signed URL; `options` describe its format."""

    file_name: Annotated[str, Meta(max_length=4000)]
    size_bytes: Annotated[int, Meta(ge=1)]
    sha256: Annotated[str, Meta(pattern="^[0-9a-fA-F]{64}$", max_length=64)] | None = None
    options: dict[str, Any] = {}


class PresignedUpload(Struct, frozen=True, rename="camel"):
    """The URL to send the file to, and how; the request must begin before `expiresAt`."""

    import_id: UUID
    upload_url: str
    method: str
    headers: dict[str, str]
    expires_at: datetime


class Counts(Struct, frozen=True):
    """Rows so far; read = inserted + replaced + unchanged + skipped + rejected, always."""

    read: int
    inserted: int
    replaced: int
    unchanged: int
    skipped: int
    rejected: int


class Progress(Struct, frozen=True, rename="camel"):
    """How far the file is loaded.

    Bytes are those of the decompressed text; null until it is decompressed. The rate is that of the
    last attempt; at this rate the file is loaded at `estimatedLoadedAt`.
    """

    lines_done: int
    bytes_done: int
    bytes_total: int | None
    rows_per_second: float | None
    estimated_loaded_at: datetime | None


class TimeSpan(Struct, frozen=True):
    """The first and the last timestamp among the rows."""

    start: datetime = field(name="from")
    end: datetime = field(name="to")


class Failure(Struct, frozen=True):
    """Why an import failed."""

    code: str
    message: str


class Import(Struct, frozen=True, rename="camel", kw_only=True):
    """An import as it stands. `done` means: its rows are visible in every rollup.

    `duplicateOf` is an earlier import of the same bytes, null if there was none; of a file in a
    bucket it is known once the import loads. `createdBy` is the subject of whoever sent the file,
    null until it has arrived, `createdByName` the user name, null if it is not known. `uploadedAt`
    is when the file had arrived, null if it has not. `warnings` are about rows that are likely
    not what was meant; they refuse nothing.
    """

    import_id: UUID
    file_name: str
    state: ImportState
    counts: Counts
    progress: Progress
    range: TimeSpan | None
    error: Failure | None
    warnings: list[ReportedWarning]
    size_bytes: int
    duplicate_of: UUID | None
    options: ImportOptions
    attempts: int
    created_by: str | None
    created_by_name: str | None
    created_at: datetime
    uploaded_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None


class ImportPage(Struct, frozen=True, rename="camel"):
    """Imports, newest first, and the cursor of the next page, if there is one."""

    items: list[Import]
    next_cursor: str | None
