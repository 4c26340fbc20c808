"""The rules of core/readings.py for one reading that came as JSON."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from api.http.parsers import printable
from api.http.problem_details import FieldProblem, InvalidRequestError
from core.errors import ReadingRejectedError
from core.readings import (
    EARLIEST,
    ISO_8601,
    LATEST,
    MAX_MAGNITUDE,
    MIN_MAGNITUDE,
    Reading,
    RejectCode,
    TimeBounds,
    rejection,
    validate_id,
)

NaiveTimestamps = Literal["utc", "refuse"]

Valid = TypeVar("Valid")

FIELDS = ("equipmentId", "timestamp", "value")


def validate_reading(
    members: dict[str, Any], bounds: TimeBounds, naive_timestamps: NaiveTimestamps
) -> Reading:
    """The reading that the members of a JSON object stand for.

    Raises InvalidRequestError that names every unknown, missing or wrong member.
    """
    fields = FieldValidator(members)
    equipment_id = fields.validate("equipmentId", validate_equipment_id)
    ts = fields.validate(
        "timestamp", lambda value: parse_timestamp(value, bounds, naive_timestamps)
    )
    number = fields.validate("value", validate_value)
    if fields.problems or equipment_id is None or ts is None or number is None:
        raise InvalidRequestError(fields.problems)
    return Reading(equipment_id, ts, number)


class FieldValidator:
    """Validates the members of one object, and collects their problems."""

    def __init__(self, members: dict[str, Any]) -> None:
        self._members = members
        self.problems = [
            FieldProblem(name, "unknown_field", f"{name} is not a known field")
            for name in map(printable, members)
            if name not in FIELDS
        ]

    def validate(self, field: str, validator: Callable[[Any], Valid]) -> Valid | None:
        """What `validator` returns for the member; None if it rejects it, which is a problem."""
        value = self._members.get(field)
        try:
            return validator(_present(value))
        except ReadingRejectedError as error:
            self.problems.append(field_problem(field, error))
            return None


def field_problem(field: str, error: ReadingRejectedError) -> FieldProblem:
    """The error as a problem of the field."""
    return FieldProblem(field, error.code, f"{field} {error.message}")


def validate_equipment_id(value: object) -> str:
    """The id as it is stored; otherwise raises ReadingRejectedError, as the others do."""
    if not isinstance(value, str):
        raise ReadingRejectedError(RejectCode.BAD_TEXT, "must be a text")
    return validate_id(value)


def parse_timestamp(
    value: object, bounds: TimeBounds, naive_timestamps: NaiveTimestamps
) -> datetime:
    """The timestamp in UTC, if it can be stored and lies within the bounds."""
    return require_within_bounds(_parse_iso_8601(value, naive_timestamps), bounds)


def require_within_bounds(ts: datetime, bounds: TimeBounds) -> datetime:
    """The same timestamp; raises ReadingRejectedError if it is too old or too late."""
    if ts < bounds.earliest:
        raise rejection(RejectCode.TOO_OLD, earliest=bounds.earliest.isoformat())
    if ts > bounds.latest:
        latest = bounds.latest.isoformat(timespec="seconds")
        raise rejection(RejectCode.TOO_FUTURE, latest=latest)
    return ts


def validate_value(value: object) -> float:
    """The number, if rollups can add it up."""
    if not isinstance(value, float):
        raise rejection(RejectCode.BAD_NUMBER)
    if not math.isfinite(value):
        raise rejection(RejectCode.NOT_FINITE)
    if value and not MIN_MAGNITUDE <= abs(value) <= MAX_MAGNITUDE:
        raise rejection(RejectCode.OUT_OF_RANGE)
    return value


def _present(value: object) -> object:
    if value is None:
        raise ReadingRejectedError(RejectCode.MISSING_VALUE, "is missing")
    return value


def _parse_iso_8601(value: object, naive_timestamps: NaiveTimestamps) -> datetime:
    if not isinstance(value, str) or not ISO_8601.fullmatch(value):
        raise rejection(RejectCode.BAD_TIMESTAMP)
    try:
        ts = datetime.fromisoformat(value.upper())
        if ts.tzinfo is None:
            ts = _assume_utc(ts, naive_timestamps)
        ts = ts.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _bad_timestamp("must be a date and time that exist") from error
    if not EARLIEST <= ts <= LATEST:
        raise _bad_timestamp(f"must lie between {EARLIEST.isoformat()} and {LATEST.isoformat()}")
    return ts


def _assume_utc(naive: datetime, naive_timestamps: NaiveTimestamps) -> datetime:
    if naive_timestamps == "refuse":
        raise _bad_timestamp("must carry an offset, such as Z or +02:00")
    return naive.replace(tzinfo=UTC)


def _bad_timestamp(message: str) -> ReadingRejectedError:
    return ReadingRejectedError(RejectCode.BAD_TIMESTAMP, message)
