from datetime import datetime
from uuid import UUID

from msgspec import Struct, field

from core.imports import ImportOptions, ImportState


class Uploaded(Struct, frozen=True, rename="camel"):
    """The answer to a stored upload."""

    message: str
    file_name: str
    import_id: UUID


class Counts(Struct, frozen=True):
    """Rows so far; read = inserted + replaced + unchanged + rejected, always."""

    read: int
    inserted: int
    replaced: int
    unchanged: int
    rejected: int


class Progress(Struct, frozen=True, rename="camel"):
    """How far the file is read."""

    lines_done: int


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

    `duplicateOf` is an earlier import of the same bytes, null if there was none.
    """

    import_id: UUID
    file_name: str
    state: ImportState
    counts: Counts
    progress: Progress
    range: TimeSpan | None
    error: Failure | None
    size_bytes: int
    duplicate_of: UUID | None
    options: ImportOptions
    attempts: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class ImportPage(Struct, frozen=True, rename="camel"):
    """Imports, newest first, and the cursor of the next page, if there is one."""

    items: list[Import]
    next_cursor: str | None
