"""What a reading is, and the rules for readings however they arrive: in JSON, lines or files.

Bounds, patterns, codes and sentences are here and nowhere else. JSON and line protocol report code
and sentence; files report code and column.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from core.errors import ReadingRejectedError

MAX_EQUIPMENT_ID_CHARACTERS = 255

# A rollup adds the values of a bucket and divides by their number. Within these bounds neither
# can overflow or underflow for fewer than 1e8 readings in a bucket; PostgreSQL raises an error
# for either, and one such value would make every later refresh of its bucket fail.
MAX_MAGNITUDE = 1e300
MIN_MAGNITUDE = 1e-290

# A day inside what Python can hold: asyncpg sends Python's first and last datetime as infinities.
EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
LATEST = datetime(9999, 12, 31, tzinfo=UTC)

# Regular expressions for a whole field, in the syntax that Python and Rust share.
# ISO 8601 date and time of day; without offset it is UTC. Seconds may be left out, digits past the
# microsecond are dropped, a leap second or hour 24 does not match.
TIMESTAMP = (
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?P<minute>(?:[01][0-9]|2[0-3]):[0-5][0-9])"
    r"(?::(?P<second>[0-5][0-9])(?:\.(?P<fraction>[0-9]+))?)?"
    r"(?:[Zz]|(?P<sign>[+-])(?P<hours>[01][0-9]|2[0-3])(?::?(?P<minutes>[0-5][0-9]))?)?"
)
NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
NOT_FINITE = r"(?i:[+-]?(?:nan|inf|infinity))"

# Found in a number that is not zero, even if the nearest float is.
NONZERO_DIGIT = "^[^eE]*[1-9]"

# What no text may contain: control characters, and the mark of undecodable bytes.
BAD_TEXT = "[\x00-\x1f\x7f-\x9f\ufffd]"
# Only Python and JSON can hold one half of a surrogate pair.
UNSTORABLE = re.compile(f"{BAD_TEXT}|[\ud800-\udfff]")


class RejectCode(StrEnum):
    """Why a reading or a line of a file is rejected; stable, part of the contract."""

    MISSING_VALUE = "missing_value"
    BAD_TIMESTAMP = "bad_timestamp"
    AMBIGUOUS_TIME = "ambiguous_time"
    SKIPPED_TIME = "skipped_time"
    TOO_FUTURE = "too_future"
    BELOW_RETENTION = "below_retention"
    BAD_NUMBER = "bad_number"
    NOT_FINITE = "not_finite"
    OUT_OF_RANGE = "out_of_range"
    TOO_LONG = "too_long"
    BAD_TEXT = "bad_text"
    WRONG_COLUMNS = "wrong_columns"
    CONFLICT = "conflict"
    MALFORMED_LINE = "malformed_line"


# What each code says, to be read after the name of the field.
SENTENCES: Mapping[RejectCode, str] = MappingProxyType(
    {
        RejectCode.MISSING_VALUE: "must not be empty",
        RejectCode.BAD_TIMESTAMP: "must be an ISO 8601 date and time, such as 2026-01-31T12:00:00Z",
        RejectCode.AMBIGUOUS_TIME: "must carry an offset: the clocks of its zone showed it twice",
        RejectCode.SKIPPED_TIME: "must carry an offset: the clocks of its zone skipped it",
        RejectCode.TOO_FUTURE: "must not be later than {latest}",
        RejectCode.BELOW_RETENTION: "must not be earlier than {horizon}",
        RejectCode.BAD_NUMBER: "must be a number",
        RejectCode.NOT_FINITE: "must be a finite number",
        RejectCode.OUT_OF_RANGE: (
            f"must be 0 or between {MIN_MAGNITUDE} and {MAX_MAGNITUDE} in magnitude"
        ),
        RejectCode.TOO_LONG: "must have at most {max_characters} characters",
        RejectCode.BAD_TEXT: "must hold no control character and no half or damaged one",
        RejectCode.WRONG_COLUMNS: "must have as many fields as the header",
        RejectCode.CONFLICT: "differs from the one stored for this equipmentId and timestamp",
        RejectCode.MALFORMED_LINE: "must be measurement,tag=value field=value timestamp",
    }
)


def rejection(code: RejectCode, **bounds: object) -> ReadingRejectedError:
    """The error of a code with its sentence, which names the bounds."""
    return ReadingRejectedError(code, SENTENCES[code].format(**bounds))


def validate_text(text: str, max_characters: int) -> str:
    """The text; raises ReadingRejectedError if it is too long or cannot be stored."""
    if len(text) > max_characters:
        raise rejection(RejectCode.TOO_LONG, max_characters=max_characters)
    if UNSTORABLE.search(text):
        raise rejection(RejectCode.BAD_TEXT)
    return text


class OnConflict(StrEnum):
    """What happens where a key is stored with another value; an equal one is unchanged."""

    REPLACE = "replace"
    SKIP = "skip"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class TimeBounds:
    """The timestamps accepted at one time: `horizon <= ts <= latest`, both aware."""

    horizon: datetime | None
    latest: datetime

    @classmethod
    def at(cls, now: datetime, max_future: timedelta, horizon: datetime | None) -> "TimeBounds":
        """The bounds at `now`; `horizon` None means that nothing is too old."""
        return cls(horizon, now + max_future)


class Reading(NamedTuple):
    """One measured value of one piece of equipment; `ts` is aware."""

    equipment_id: str
    ts: datetime
    value: float
