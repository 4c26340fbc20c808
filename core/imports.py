"""What an import is: states and options, as stored in the table imports and told over HTTP."""

from enum import StrEnum
from fractions import Fraction

from msgspec import Struct

from core.readings import OnConflict


class ImportState(StrEnum):
    """Where an import is in its life. `done` means: its rows are visible in every rollup."""

    AWAITING_UPLOAD = "awaiting_upload"
    QUEUED = "queued"
    LOADING = "loading"
    AGGREGATING = "aggregating"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL_STATES = frozenset({ImportState.DONE, ImportState.FAILED, ImportState.CANCELLED})
CANCELLABLE = frozenset({ImportState.AWAITING_UPLOAD, ImportState.QUEUED, ImportState.LOADING})
RETRIABLE = frozenset({ImportState.FAILED, ImportState.CANCELLED})


class ImportFault(StrEnum):
    """Why an import failed: the column error_code, the API's `error.code`; see docs/imports.md."""

    EMPTY_FILE = "empty_file"
    NOT_TEXT = "not_text"
    MISSING_HEADER = "missing_header"
    AMBIGUOUS_HEADER = "ambiguous_header"
    BAD_COMPRESSION = "bad_compression"
    BAD_PARQUET = "bad_parquet"
    WRONG_COLUMN_TYPE = "wrong_column_type"
    INFLATED_TOO_LARGE = "inflated_too_large"
    TOO_MANY_ERRORS = "too_many_errors"
    NO_VALID_ROWS = "no_valid_rows"
    SOURCE_MISSING = "source_missing"
    SOURCE_REPLACED = "source_replaced"
    WRONG_CHECKSUM = "wrong_checksum"
    UPLOAD_EXPIRED = "upload_expired"
    TOO_MANY_ATTEMPTS = "too_many_attempts"


# The columns that every file has, by our names for them.
EQUIPMENT_ID = "equipmentId"
TIMESTAMP = "timestamp"
VALUE = "value"
COLUMNS = (EQUIPMENT_ID, TIMESTAMP, VALUE)

UTC_ZONE = "UTC"


class Delimiter(StrEnum):
    """What separates the fields of a line."""

    COMMA = ","
    SEMICOLON = ";"
    TAB = "\t"


class DecimalMark(StrEnum):
    """What separates the whole part of a value from its fraction."""

    POINT = "."
    COMMA = ","


class TimeFormat(StrEnum):
    """How timestamps are written: as dates and times, or counted from 1970-01-01T00:00:00Z."""

    ISO8601 = "iso8601"
    EPOCH_S = "epoch_s"
    EPOCH_MS = "epoch_ms"
    EPOCH_US = "epoch_us"
    EPOCH_NS = "epoch_ns"


class OnTooManyErrors(StrEnum):
    """What becomes of the rows of a file that has more errors than allowed."""

    DISCARD = "discard"
    KEEP = "keep"


class ImportOptions(Struct, frozen=True, kw_only=True, rename="camel"):
    """How a file is written and what is to become of it, as its sender says.

    `delimiter` null: the header tells. `timeZone` is that of timestamps without offset. `columns`
    gives, by our names, the file's own names of columns. `maxErrors` is a number of rejected rows
    or a share of all rows such as "5%"; null: any number.
    """

    delimiter: Delimiter | None = None
    decimal: DecimalMark = DecimalMark.POINT
    time_format: TimeFormat = TimeFormat.ISO8601
    time_zone: str = UTC_ZONE
    columns: dict[str, str] = {}
    max_errors: int | str | None = None
    on_too_many_errors: OnTooManyErrors = OnTooManyErrors.DISCARD
    on_conflict: OnConflict = OnConflict.REPLACE

    @property
    def by_local_clock(self) -> bool:
        """Whether a timestamp may be one of a clock that is sometimes put back or forward."""
        return self.time_format is TimeFormat.ISO8601 and self.time_zone != UTC_ZONE

    def gives_up_after(self, rejected: int) -> bool:
        """Whether after so many rejected rows no more of the file is loaded."""
        counted = isinstance(self.max_errors, int)
        return counted and self.keeps_on_failure and not self.allows(rejected, rejected)

    @property
    def keeps_on_failure(self) -> bool:
        """Whether rows of a file with too many errors stay."""
        return self.on_too_many_errors is OnTooManyErrors.KEEP

    def allows(self, rejected: int, read: int) -> bool:
        """Whether a file of which `read` rows were read may have `rejected` ones among them."""
        match self.max_errors:
            case None:
                return True
            case int(count):
                return rejected <= count
            case share:
                return rejected * 100 <= Fraction(share.removesuffix("%")) * read
