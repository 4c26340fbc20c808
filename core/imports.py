"""States, transitions and options of an import, as in the table imports and in JSON."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from core.readings import OnConflict
from core.timestamp_patterns import TimestampPattern, parse_pattern


class ImportState(StrEnum):
    """The state of an import. `done` means: its rows are visible in every rollup."""

    AWAITING_UPLOAD = "awaiting_upload"
    QUEUED = "queued"
    LOADING = "loading"
    AGGREGATING = "aggregating"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Transition(StrEnum):
    """What changes the state of an import; each names a query of import_transitions.sql."""

    COMPLETE_UPLOAD = "complete_upload"
    EXPIRE_UPLOADS = "expire_uploads"
    CLAIM = "claim_import"
    BEGIN_AGGREGATING = "begin_aggregating"
    FINISH = "finish_import"
    FAIL = "fail_import"
    CANCEL = "cancel_import"
    RETRY = "retry_import"
    RESUBMIT_REJECTS = "resubmit_rejects"


# From which states a transition may start, and where each of them leads. A claim of an import that
# is loading or aggregating takes it over from a worker that is gone. The queries demand more: RETRY
# a file that has arrived, RESUBMIT_REJECTS of a failed import that it failed with NO_VALID_ROWS.
TRANSITIONS: Mapping[Transition, Mapping[ImportState, ImportState]] = MappingProxyType(
    {
        Transition.COMPLETE_UPLOAD: {ImportState.AWAITING_UPLOAD: ImportState.QUEUED},
        Transition.EXPIRE_UPLOADS: {ImportState.AWAITING_UPLOAD: ImportState.FAILED},
        Transition.CLAIM: {
            ImportState.QUEUED: ImportState.LOADING,
            ImportState.LOADING: ImportState.LOADING,
            ImportState.AGGREGATING: ImportState.AGGREGATING,
        },
        Transition.BEGIN_AGGREGATING: {ImportState.LOADING: ImportState.AGGREGATING},
        Transition.FINISH: {ImportState.AGGREGATING: ImportState.DONE},
        Transition.FAIL: {
            ImportState.LOADING: ImportState.FAILED,
            ImportState.AGGREGATING: ImportState.FAILED,
        },
        Transition.CANCEL: {
            ImportState.AWAITING_UPLOAD: ImportState.CANCELLED,
            ImportState.QUEUED: ImportState.CANCELLED,
            ImportState.LOADING: ImportState.CANCELLED,
        },
        Transition.RETRY: {
            ImportState.FAILED: ImportState.QUEUED,
            ImportState.CANCELLED: ImportState.QUEUED,
        },
        Transition.RESUBMIT_REJECTS: {
            ImportState.DONE: ImportState.QUEUED,
            ImportState.FAILED: ImportState.QUEUED,
        },
    }
)

# Out of a final state an import comes only by a user's request.
REOPENING = frozenset({Transition.RETRY, Transition.RESUBMIT_REJECTS})
FINAL_STATES = frozenset(ImportState).difference(
    *(TRANSITIONS[transition] for transition in Transition if transition not in REOPENING)
)
RETRIABLE = frozenset(TRANSITIONS[Transition.RETRY])


class ImportFault(StrEnum):
    """Why an import failed: the column error_code, the API's `error.code`; see docs/imports.md."""

    EMPTY_FILE = "empty_file"
    NOT_TEXT = "not_text"
    LINE_TOO_LONG = "line_too_long"
    MISSING_HEADER = "missing_header"
    AMBIGUOUS_HEADER = "ambiguous_header"
    INVALID_COLUMN = "invalid_column"
    BAD_COMPRESSION = "bad_compression"
    BAD_ARCHIVE = "bad_archive"
    BAD_WORKBOOK = "bad_workbook"
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


class Remedy(Struct, frozen=True):
    """A value of an option, as JSON has it, with which a file or a row may be right."""

    option: str
    value: Any


# The columns that every file has; a file may give them other names.
EQUIPMENT_ID = "equipmentId"
TIMESTAMP = "timestamp"
VALUE = "value"
COLUMNS = (EQUIPMENT_ID, TIMESTAMP, VALUE)
# The second column of a timestamp that is in two.
TIME_OF_DAY = "timeOfDay"

MAX_COLUMNS = 100  # of a text file
MAX_WIDE_COLUMNS = 5_000  # of one with a column a sensor

# What stands for the name of a column in the template of ids.
COLUMN_NAME = "{column}"

UTC_ZONE = "UTC"


class Delimiter(StrEnum):
    """What separates the fields of a line."""

    COMMA = ","
    SEMICOLON = ";"
    TAB = "\t"
    PIPE = "|"


class Encoding(StrEnum):
    """How the characters of a file are encoded, unless it begins with a byte order mark."""

    UTF_8 = "utf-8"
    UTF_16 = "utf-16"
    WINDOWS_1252 = "windows-1252"


class TableLayout(StrEnum):
    """What a row of a table holds: one reading, or those of all sensors at one time."""

    LONG = "long"
    WIDE = "wide"


class HeaderMode(StrEnum):
    """Whether a line of the file names the columns, or these are given by their positions."""

    DETECT = "detect"
    NONE = "none"


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


class Hour24(StrEnum):
    """What 24:00:00 is: no time, or the beginning of the next day."""

    REJECT = "reject"
    NEXT_DAY = "next_day"


class OnTooManyErrors(StrEnum):
    """What happens to the valid rows of a file that has more errors than allowed."""

    DISCARD = "discard"
    KEEP = "keep"


class ImportOptions(Struct, frozen=True, kw_only=True, rename="camel"):
    """The format of a file and how to load it, as the client specifies.

    `delimiter` null: detected from the header. `timeFormat` is one of TimeFormat, or a pattern in
    the words of strptime. `timeZone` is that of timestamps without offset.
    `columns` maps COLUMNS to the file's own names, or without header to their positions from 1; a
    timestamp may have two, a date and a time. In a wide layout every other column is a sensor, but
    for `ignoreColumns`; its id is made of its name by `idTemplate`.
    `skipLines` are passed over before the header is looked for, `skipLinesAfterHeader` before the
    first row, and everywhere lines that begin with `commentPrefix`. `maxErrors` is a number of
    rejected rows or a percentage of all rows such as "5%"; null: any number. `earliest` is the
    earliest plausible timestamp; null: that of the settings. A value that is one of `nullValues`
    is no reading.
    """

    encoding: Encoding = Encoding.UTF_8
    delimiter: Delimiter | None = None
    decimal: DecimalMark = DecimalMark.POINT
    time_format: str = TimeFormat.ISO8601
    time_zone: str = UTC_ZONE
    hour24: Hour24 = Hour24.REJECT
    columns: dict[str, str | list[str]] = {}
    layout: TableLayout = TableLayout.LONG
    id_template: str = COLUMN_NAME
    ignore_columns: list[str] = []
    header: HeaderMode = HeaderMode.DETECT
    skip_lines: int = 0
    comment_prefix: str | None = None
    skip_lines_after_header: int = 0
    max_errors: int | str | None = None
    on_too_many_errors: OnTooManyErrors = OnTooManyErrors.DISCARD
    on_conflict: OnConflict = OnConflict.REPLACE
    earliest: datetime | None = None
    null_values: list[str] = []

    @property
    def wanted_columns(self) -> tuple[str, ...]:
        """The columns that the file must have."""
        columns = (TIMESTAMP,) if self.is_wide else COLUMNS
        return (*columns, TIME_OF_DAY) if TIME_OF_DAY in self.column_names else columns

    @property
    def is_wide(self) -> bool:
        """Whether each column but those of the timestamp is a sensor."""
        return self.layout is TableLayout.WIDE

    @property
    def column_names(self) -> dict[str, str]:
        """The file's own names as far as they are given, each of one column."""
        names = {column: name for column, name in self.columns.items() if isinstance(name, str)}
        match self.columns.get(TIMESTAMP):
            case [date, time]:
                return names | {TIMESTAMP: date, TIME_OF_DAY: time}
            case _:
                return names

    @property
    def uses_local_time(self) -> bool:
        """Whether timestamps may be local times, of which some are ambiguous or do not exist."""
        if self.pattern:
            return not self.pattern.tells_offset and self.time_zone != UTC_ZONE
        return self.time_format == TimeFormat.ISO8601 and self.time_zone != UTC_ZONE

    @property
    def pattern(self) -> TimestampPattern | None:
        """The declared pattern of timestamps, if `time_format` is none of TimeFormat."""
        if self.time_format in set(TimeFormat):
            return None
        return parse_pattern(self.time_format, hour_24=self.hour24 is Hour24.NEXT_DAY)

    def stops_after(self, rejected: int) -> bool:
        """Whether loading stops at so many rejected rows; those loaded before stay."""
        is_count = isinstance(self.max_errors, int)
        return is_count and self.retains_rows_on_failure and not self.allows(rejected, rejected)

    @property
    def retains_rows_on_failure(self) -> bool:
        """Whether loaded rows of a file with too many errors stay."""
        return self.on_too_many_errors is OnTooManyErrors.KEEP

    def allows(self, rejected: int, read: int) -> bool:
        """Whether `max_errors` allows `rejected` of `read` rows to be rejected."""
        match self.max_errors:
            case None:
                return True
            case int(count):
                return rejected <= count
            case percentage:
                return rejected * 100 <= Fraction(percentage.removesuffix("%")) * read
