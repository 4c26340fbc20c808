"""The rules of core/readings.py for one reading that came as JSON."""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from api.http.parsers import printable
from api.http.problem_details import FieldProblem, InvalidRequestError
from core.errors import ReadingRefusedError
from core.readings import (
    BAD_TEXT,
    EARLIEST,
    LATEST,
    MAX_EQUIPMENT_ID_CHARACTERS,
    MAX_MAGNITUDE,
    MIN_MAGNITUDE,
    TIMESTAMP,
    Reading,
    RejectCode,
    TimeBounds,
)

ISO_8601 = re.compile(TIMESTAMP)
# Blank to Python alone: to Unicode, and to the rules for files, they are control characters.
SEPARATORS = re.compile("[\x1c-\x1f]")
UNSTORABLE = re.compile(f"{BAD_TEXT}|[\ud800-\udfff]")  # of a surrogate pair, one alone

NaiveTimestamps = Literal["utc", "refuse"]

Judged = TypeVar("Judged")

FIELDS = ("equipmentId", "timestamp", "value")


def judge_reading(
    members: dict[str, Any], bounds: TimeBounds, naive_timestamps: NaiveTimestamps
) -> Reading:
    """The reading that the members of a JSON object say.

    Raises InvalidRequestError that names every unknown, missing or wrong member.
    """
    verdicts = Verdicts(members)
    equipment_id = verdicts.on("equipmentId", equipment_id_of)
    moment = verdicts.on("timestamp", lambda value: moment_of(value, bounds, naive_timestamps))
    number = verdicts.on("value", number_of)
    if verdicts.problems or equipment_id is None or moment is None or number is None:
        raise InvalidRequestError(verdicts.problems)
    return Reading(equipment_id, moment, number)


class Verdicts:
    """The problems found so far in the members of one object."""

    def __init__(self, members: dict[str, Any]) -> None:
        self._members = members
        self.problems = [
            FieldProblem(name, "unknown_field", f"{name} is not a known field")
            for name in map(printable, members)
            if name not in FIELDS
        ]

    def on(self, field: str, judge: Callable[[Any], Judged]) -> Judged | None:
        """What `judge` makes of the member; None when it is refused, with the problem noted."""
        value = self._members.get(field)
        try:
            return judge(_present(value))
        except ReadingRefusedError as refusal:
            self.problems.append(problem_of(field, refusal))
            return None


def problem_of(field: str, refusal: ReadingRefusedError) -> FieldProblem:
    """What the sender is told of the field."""
    return FieldProblem(field, refusal.code, f"{field} {refusal.message}")


def equipment_id_of(value: object) -> str:
    """The text, if it can be stored; otherwise raises ReadingRefusedError, as the others do."""
    if not isinstance(value, str):
        raise ReadingRefusedError(RejectCode.BAD_TEXT, "must be a text")
    if not value.strip() and not SEPARATORS.search(value):
        raise ReadingRefusedError(RejectCode.MISSING_VALUE, "must not be empty")
    if len(value) > MAX_EQUIPMENT_ID_CHARACTERS:
        message = f"must have at most {MAX_EQUIPMENT_ID_CHARACTERS} characters"
        raise ReadingRefusedError(RejectCode.TOO_LONG, message)
    if UNSTORABLE.search(value):
        message = "must hold no control character and no half or damaged one"
        raise ReadingRefusedError(RejectCode.BAD_TEXT, message)
    return value


def moment_of(value: object, bounds: TimeBounds, naive_timestamps: NaiveTimestamps) -> datetime:
    """The moment in UTC, if it can be stored and is not later than the bounds allow."""
    return bounded(_parsed(value, naive_timestamps), bounds)


def bounded(moment: datetime, bounds: TimeBounds) -> datetime:
    """The same moment; raises ReadingRefusedError if it cannot be stored or is too late."""
    if not EARLIEST <= moment <= LATEST:
        raise _bad_timestamp(f"must lie between {EARLIEST.isoformat()} and {LATEST.isoformat()}")
    if moment > bounds.latest:
        latest = bounds.latest.isoformat(timespec="seconds")
        message = f"must not be later than {latest}"
        raise ReadingRefusedError(RejectCode.TOO_FUTURE, message)
    return moment


def number_of(value: object) -> float:
    """The number, if rollups can add it up."""
    if not isinstance(value, float):
        raise ReadingRefusedError(RejectCode.BAD_NUMBER, "must be a number")
    if not math.isfinite(value):
        raise ReadingRefusedError(RejectCode.NOT_FINITE, "must be a finite number")
    if value and not MIN_MAGNITUDE <= abs(value) <= MAX_MAGNITUDE:
        message = f"must be 0 or between {MIN_MAGNITUDE} and {MAX_MAGNITUDE} in magnitude"
        raise ReadingRefusedError(RejectCode.OUT_OF_RANGE, message)
    return value


def _present(value: object) -> object:
    if value is None:
        raise ReadingRefusedError(RejectCode.MISSING_VALUE, "is missing")
    return value


def _parsed(value: object, naive_timestamps: NaiveTimestamps) -> datetime:
    if not isinstance(value, str) or not ISO_8601.fullmatch(value):
        raise _bad_timestamp("must be an ISO 8601 date and time, such as 2026-01-31T12:00:00Z")
    try:
        moment = datetime.fromisoformat(value.upper())
        if moment.tzinfo is None:
            moment = _taken_as(naive_timestamps, moment)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _bad_timestamp("must be a date and time that exist") from error


def _taken_as(naive_timestamps: NaiveTimestamps, moment: datetime) -> datetime:
    if naive_timestamps == "refuse":
        raise _bad_timestamp("must carry an offset, such as Z or +02:00")
    return moment.replace(tzinfo=UTC)


def _bad_timestamp(message: str) -> ReadingRefusedError:
    return ReadingRefusedError(RejectCode.BAD_TIMESTAMP, message)
