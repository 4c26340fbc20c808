"""The range of time that a request names by its parameters from and to."""

import re
from datetime import UTC, datetime

from api.http.query_parameters import Parameters, refusal
from core.readings import EARLIEST, LATEST, TIMESTAMP, RejectCode
from core.time import MICROSECOND, TimeRange

MOMENT = re.compile(TIMESTAMP)
AFTER_ALL = LATEST + MICROSECOND


def asked_range(given: Parameters) -> TimeRange:
    """What the parameters from and to say. Raises InvalidRequestError; notes a wrong moment."""
    for name in ("from", "to"):
        if not given.all(name):
            raise refusal(name, "is missing", RejectCode.MISSING_VALUE)
    return open_range(given)


def open_range(given: Parameters) -> TimeRange:
    """The same, where all time is meant by a parameter that is not given."""
    start = given.read("from", _moment, EARLIEST)
    end = given.read("to", _moment, AFTER_ALL)
    if start >= end:
        raise refusal("to", "must be later than from")
    return TimeRange(start, end)


def _moment(name: str, text: str) -> datetime:
    example = "must be a date and time with an offset, such as 2026-01-31T12:00:00Z; write + as %2B"
    try:
        moment = datetime.fromisoformat(text.upper()) if MOMENT.fullmatch(text) else None
        if moment is not None and moment.tzinfo and EARLIEST <= moment <= LATEST:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise refusal(name, example, RejectCode.BAD_TIMESTAMP)
