"""The time range that a request gives by its parameters from and to."""

import re
from datetime import UTC, datetime

from api.http.query_parameters import Parameters, invalid_parameter
from core.readings import EARLIEST, LATEST, TIMESTAMP, RejectCode
from core.time import MICROSECOND, TimeRange

TIMESTAMP_PATTERN = re.compile(TIMESTAMP)
AFTER_LATEST = LATEST + MICROSECOND


def required_time_range(parameters: Parameters) -> TimeRange:
    """The range of the parameters from and to.

    Raises InvalidRequestError for a missing one or an empty range; an invalid timestamp is
    collected in `parameters`.
    """
    for name in ("from", "to"):
        if not parameters.all(name):
            raise invalid_parameter(name, "is missing", RejectCode.MISSING_VALUE)
    return optional_time_range(parameters)


def optional_time_range(parameters: Parameters) -> TimeRange:
    """The same, unbounded on the side whose parameter is not given."""
    start = parameters.read("from", _parse_timestamp, EARLIEST)
    end = parameters.read("to", _parse_timestamp, AFTER_LATEST)
    if start >= end:
        raise invalid_parameter("to", "must be later than from")
    return TimeRange(start, end)


def _parse_timestamp(name: str, text: str) -> datetime:
    example = "must be a date and time with an offset, such as 2026-01-31T12:00:00Z; write + as %2B"
    try:
        ts = datetime.fromisoformat(text.upper()) if TIMESTAMP_PATTERN.fullmatch(text) else None
        if ts is not None and ts.tzinfo and EARLIEST <= ts <= LATEST:
            return ts.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise invalid_parameter(name, example, RejectCode.BAD_TIMESTAMP)
