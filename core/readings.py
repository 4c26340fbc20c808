"""What a reading is, and the rules for readings however they arrive: in JSON, lines or files.

Bounds, patterns, codes and sentences are here and nowhere else. JSON and line protocol report code
and sentence; files report code and column.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from core.errors import ReadingRejectedError

MAX_EQUIPMENT_ID_CHARACTERS = 255
# Composing makes a text up to four times shorter, never more.
MAX_DECOMPOSED_CHARACTERS = 4 * MAX_EQUIPMENT_ID_CHARACTERS

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
ISO_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
MINUTE_OF_DAY = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
OFFSET = r"(?P<sign>[+-])(?P<hours>[01][0-9]|2[0-3])(?::?(?P<minutes>[0-5][0-9]))?"
TIMESTAMP = (
    rf"(?P<date>{ISO_DATE})[Tt ](?P<minute>{MINUTE_OF_DAY})"
    r"(?::(?P<second>[0-5][0-9])(?:\.(?P<fraction>[0-9]+))?)?"
    rf"(?:[Zz]|{OFFSET})?"
)
ISO_8601 = re.compile(TIMESTAMP)
DATE = re.compile(ISO_DATE)
NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
NOT_FINITE = r"(?i:[+-]?(?:nan|inf|infinity))"

# Found in a number that is not zero, even if the nearest float is.
NONZERO_DIGIT = "^[^eE]*[1-9]"

# What no text may contain: control characters, and the mark of undecodable bytes.
BAD_TEXT = "[\x00-\x1f\x7f-\x9f\ufffd]"
# Only Python and JSON can hold one half of a surrogate pair.
UNSTORABLE = re.compile(f"{BAD_TEXT}|[\ud800-\udfff]")

# Unicode's white space, which is Rust's; to Python four control characters are blank as well.
WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
# What no equipment id may contain besides, since it shows nothing or a blank: white space other
# than U+0020, format characters (Cf; but not those that show a sign below digits), what Unicode
# lets fonts ignore (Default_Ignorable_Code_Point), and the braille blank.
INVISIBLE = (
    "[\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f"
    "\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
INVISIBLE_CHARACTER = re.compile(INVISIBLE)


class RejectCode(StrEnum):
    """Why a reading or a line of a file is rejected; stable, part of the contract."""

    MISSING_VALUE = "missing_value"
    BAD_TIMESTAMP = "bad_timestamp"
    AMBIGUOUS_TIME = "ambiguous_time"
    SKIPPED_TIME = "skipped_time"
    TOO_OLD = "too_old"
    TOO_FUTURE = "too_future"
    BELOW_RETENTION = "below_retention"
    BAD_NUMBER = "bad_number"
    NOT_FINITE = "not_finite"
    OUT_OF_RANGE = "out_of_range"
    TOO_LONG = "too_long"
    BAD_TEXT = "bad_text"
    INVISIBLE_CHARACTER = "invisible_character"
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
        RejectCode.TOO_OLD: "must not be earlier than {earliest}",
        RejectCode.TOO_FUTURE: "must not be later than {latest}",
        RejectCode.BELOW_RETENTION: "must not be earlier than {horizon}",
        RejectCode.BAD_NUMBER: "must be a number",
        RejectCode.NOT_FINITE: "must be a finite number",
        RejectCode.OUT_OF_RANGE: (
            f"must be 0 or between {MIN_MAGNITUDE} and {MAX_MAGNITUDE} in magnitude"
        ),
        RejectCode.TOO_LONG: "must have at most {max_characters} characters",
        RejectCode.BAD_TEXT: (
            "must hold no control character and no half or damaged one, but has {code_point}"
        ),
        RejectCode.INVISIBLE_CHARACTER: "must not contain the invisible character {code_point}",
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
    if found := UNSTORABLE.search(text):
        raise rejection(RejectCode.BAD_TEXT, code_point=_code_point(found[0]))
    return text


def normalize_id(text: str) -> str:
    """The text as equipment ids are stored: composed (NFC), without white space at its ends.

    One that is too long in any form stays as it is: composing it would take forever.
    """
    trimmed = text.strip(WHITE_SPACE)
    if len(trimmed) > MAX_DECOMPOSED_CHARACTERS:
        return trimmed
    return unicodedata.normalize("NFC", trimmed)


def validate_id(text: str) -> str:
    """The normalized equipment id; raises ReadingRejectedError if it cannot be one."""
    equipment_id = normalize_id(text)
    if not equipment_id:
        raise rejection(RejectCode.MISSING_VALUE)
    validate_text(equipment_id, MAX_EQUIPMENT_ID_CHARACTERS)
    if found := INVISIBLE_CHARACTER.search(equipment_id):
        raise rejection(RejectCode.INVISIBLE_CHARACTER, code_point=_code_point(found[0]))
    return equipment_id


def _code_point(character: str) -> str:
    return f"U+{ord(character):04X}"


class OnConflict(StrEnum):
    """What happens where a key is stored with another value; an equal one is unchanged."""

    REPLACE = "replace"
    SKIP = "skip"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class TimeBounds:
    """The timestamps accepted at one time, all aware.

    Those before `earliest` are implausible, those before `horizon`, if any, are not retained. Both
    are checked apart, since the horizon may move. `earliest` and `latest` can be stored.
    """

    horizon: datetime | None
    latest: datetime
    earliest: datetime

    @classmethod
    def at(
        cls, now: datetime, max_future: timedelta, earliest: datetime, horizon: datetime | None
    ) -> "TimeBounds":
        """The bounds at `now`; `horizon` None means that nothing is dropped."""
        return cls(horizon, now + min(max_future, LATEST - now), earliest)


def parse_earliest(value: object) -> datetime:
    """The timestamp that is written, or the beginning of a date in UTC. Raises ValueError."""
    text = f"{value}T00:00" if DATE.fullmatch(str(value)) else str(value)
    try:
        if ISO_8601.fullmatch(text):
            ts = datetime.fromisoformat(text.upper())
            utc = ts.astimezone(UTC) if ts.tzinfo else ts.replace(tzinfo=UTC)
            if EARLIEST <= utc <= LATEST:
                return utc
    except (ValueError, OverflowError):
        pass
    raise ValueError("must be a date or a timestamp, such as 1990-01-01 or 1990-01-01T00:00:00Z")


class Reading(NamedTuple):
    """One measured value of one piece of equipment; `ts` is aware."""

    equipment_id: str
    ts: datetime
    value: float


# A reading among many. The garbage collector forgets plain tuples like this at its first look; over
# a hundred thousand objects of a class it would walk again and again, while all requests wait.
ReadingRow: TypeAlias = tuple[str, datetime, float]
