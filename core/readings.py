"""What a reading is and the rules it must satisfy, on every way in: single POST, batch, CSV."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

MAX_EQUIPMENT_ID_CHARACTERS = 255

# A rollup adds the values of a bucket and divides by their number. Within these bounds neither
# can overflow or underflow for fewer than 1e8 readings in a bucket; PostgreSQL raises an error
# for either, and one such value would make every later refresh of its bucket fail.
MAX_MAGNITUDE = 1e300
MIN_MAGNITUDE = 1e-290


class RejectCode(StrEnum):
    """Why a reading or a line of a file is refused; stable, part of the contract."""

    MISSING_VALUE = "missing_value"
    BAD_TIMESTAMP = "bad_timestamp"
    TOO_FUTURE = "too_future"
    BELOW_RETENTION = "below_retention"
    BAD_NUMBER = "bad_number"
    NOT_FINITE = "not_finite"
    OUT_OF_RANGE = "out_of_range"
    TOO_LONG = "too_long"
    BAD_TEXT = "bad_text"
    WRONG_COLUMNS = "wrong_columns"


@dataclass(frozen=True, slots=True)
class TimeBounds:
    """The timestamps accepted at one moment: `horizon <= ts <= latest`, both aware."""

    horizon: datetime | None
    latest: datetime

    @classmethod
    def at(cls, now: datetime, max_future: timedelta, horizon: datetime | None) -> "TimeBounds":
        """The bounds at `now`; `horizon` None means that nothing is too old."""
        return cls(horizon, now + max_future)


@dataclass(frozen=True, slots=True)
class Reading:
    """One measured value of one piece of equipment at one moment (aware)."""

    equipment_id: str
    ts: datetime
    value: float


def utc_now() -> datetime:
    """The current moment, aware, in UTC."""
    return datetime.now(UTC)
