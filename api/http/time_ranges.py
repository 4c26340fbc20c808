"""The time range that a request gives by its parameters from and to."""

import re
from datetime import UTC, datetime

from api.http.parsers import invalid_parameter
from api.http.query_parameters import TIMESTAMP_SCHEMA, Parameters, QueryParameter
from core.readings import EARLIEST, LATEST, TIMESTAMP, RejectCode
from core.time import MICROSECOND, TimeRange

TIMESTAMP_PATTERN = re.compile(TIMESTAMP)
AFTER_LATEST = LATEST + MICROSECOND


def _parse_timestamp(name: str, text: str) -> datetime:
    example = "must be a date and time with an offset, such as 2026-01-31T12:00:00Z; write + as %2B"
    try:
        ts = datetime.fromisoformat(text.upper()) if TIMESTAMP_PATTERN.fullmatch(text) else None
        if ts is not None and ts.tzinfo and EARLIEST <= ts <= LATEST:
            return ts.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise invalid_parameter(name, example, RejectCode.BAD_TIMESTAMP)


# A route for which they mean something else declares them with another description.
FROM = QueryParameter(
    name="from",
    parse=_parse_timestamp,
    default=EARLIEST,
    schema=TIMESTAMP_SCHEMA,
    description="The first moment, with an offset; the beginning if not said.",
)
TO = QueryParameter(
    name="to",
    parse=_parse_timestamp,
    default=AFTER_LATEST,
    schema=TIMESTAMP_SCHEMA,
    description="The first moment after the range; the end if not said.",
)


def required_time_range(parameters: Parameters) -> TimeRange:
    """The range of the parameters FROM and TO.

    Raises InvalidRequestError for a missing one or an empty range; an invalid timestamp is
    collected in `parameters`.
    """
    for bound in (FROM, TO):
        if not parameters.texts(bound):
            raise invalid_parameter(bound.name, "is missing", RejectCode.MISSING_VALUE)
    return optional_time_range(parameters)


def optional_time_range(parameters: Parameters) -> TimeRange:
    """The same, unbounded on the side whose parameter is not given."""
    start, end = parameters.read(FROM), parameters.read(TO)
    if start >= end:
        raise invalid_parameter(TO.name, "must be later than from")
    return TimeRange(start, end)
