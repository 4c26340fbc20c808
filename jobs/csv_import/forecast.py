"""What an import of a file would do, as the result of its dry run."""

from datetime import datetime

import msgspec

from core.imports import ImportFault, ImportOptions
from core.readings import RejectCode
from core.row_warnings import ReportedWarning


class Counts(msgspec.Struct, frozen=True):
    """The row counts that the import would have."""

    read: int
    inserted: int
    replaced: int
    unchanged: int
    skipped: int
    rejected: int


class KeyCounts(msgspec.Struct, frozen=True):
    """Keys of the file: not stored, stored with the same value, or with another."""

    new: int
    equal: int
    different: int


class RepeatedRows(msgspec.Struct, frozen=True):
    """Rows whose key came earlier in the file, with the same value or with another."""

    equal: int
    different: int


class Forecast(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the import would do if nothing else changed meanwhile.

    `columns` are the file's own names, and those of a wide file's `sensors` by their ids; `rejects`
    counts rows by code; `columnHints` name an option for a column that is written in another way;
    `stored` compares keys with what is stored now; `hours` and `days` are the buckets of the
    rollups to refresh.
    """

    columns: dict[str, str]
    sensors: dict[str, str]
    counts: Counts
    rejects: dict[str, int]
    first_rejects: list[str]
    column_hints: list[str]
    warnings: list[ReportedWarning]
    repeated: RepeatedRows
    stored: KeyCounts
    first_ts: datetime | None
    last_ts: datetime | None
    horizon: datetime | None
    hours: int
    days: int

    def fault(self, options: ImportOptions) -> ImportFault | None:
        """Why the import would fail, if it would; error_limit.py decides alike."""
        errors = self.counts.rejected
        if not options.retains_rows_on_failure:  # decided before rows are compared with stored ones
            errors -= self.rejects.get(RejectCode.CONFLICT, 0)
        if not options.allows(errors, self.counts.read):
            return ImportFault.TOO_MANY_ERRORS
        return ImportFault.NO_VALID_ROWS if self.counts.read == self.counts.rejected else None
