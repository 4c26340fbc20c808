"""The rules of core/readings.py for one reading that came as JSON."""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from api.problems import FieldProblem, InvalidRequestError
from core.errors import ReadingRefusedError
from core.readings import (
    MAX_EQUIPMENT_ID_CHARACTERS,
    MAX_MAGNITUDE,
    MIN_MAGNITUDE,
    Reading,
    RejectCode,
    TimeBounds,
)

ISO_8601 = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(?P<offset>Z|[+-]\d\d(:?\d\d)?)?", re.ASCII
)

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
            FieldProblem(name, "unknown_field", f"{_shown(name)} is not a known field")
            for name in members
            if name not in FIELDS
        ]

    def on(self, field: str, judge: Callable[[Any], Judged]) -> Judged | None:
        """What `judge` makes of the member; None when it is refused, with the problem noted."""
        value = self._members.get(field)
        try:
            return judge(_present(value))
        except ReadingRefusedError as refusal:
            message = f"{field} {refusal.message}"
            self.problems.append(FieldProblem(field, refusal.code, message))
            return None


def equipment_id_of(value: object) -> str:
    """The text, if it can be stored; otherwise raises ReadingRefusedError, as the others do."""
    if not isinstance(value, str):
        raise ReadingRefusedError(RejectCode.BAD_TEXT, "must be a text")
    if not value:
        raise ReadingRefusedError(RejectCode.MISSING_VALUE, "must not be empty")
    if len(value) > MAX_EQUIPMENT_ID_CHARACTERS:
        message = f"must have at most {MAX_EQUIPMENT_ID_CHARACTERS} characters"
        raise ReadingRefusedError(RejectCode.TOO_LONG, message)
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        message = "must be text that can be stored: no NUL, no half of a surrogate pair"
        raise ReadingRefusedError(RejectCode.BAD_TEXT, message)
    return value


def moment_of(value: object, bounds: TimeBounds, naive_timestamps: NaiveTimestamps) -> datetime:
    """The moment in UTC, not later than the bounds allow."""
    moment = _parsed(value, naive_timestamps)
    if moment > bounds.latest:
        latest = bounds.latest.isoformat(timespec="seconds")
        message = f"must not be later than {latest}"
        raise ReadingRefusedError(RejectCode.TOO_FUTURE, message)
    return moment


def number_of(value: object) -> float:
    """The number, if rollups can add it up."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ReadingRefusedError(RejectCode.BAD_NUMBER, "must be a number")
    number = float(value)
    if not math.isfinite(number):
        raise ReadingRefusedError(RejectCode.NOT_FINITE, "must be a finite number")
    if number and not MIN_MAGNITUDE <= abs(number) <= MAX_MAGNITUDE:
        message = f"must be 0 or between {MIN_MAGNITUDE} and {MAX_MAGNITUDE} in magnitude"
        raise ReadingRefusedError(RejectCode.OUT_OF_RANGE, message)
    return number


def _present(value: object) -> object:
    if value is None:
        raise ReadingRefusedError(RejectCode.MISSING_VALUE, "is missing")
    return value


def _parsed(value: object, naive_timestamps: NaiveTimestamps) -> datetime:
    match = ISO_8601.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        message = "must be an ISO 8601 date and time, such as 2026-01-31T12:00:00Z"
        raise ReadingRefusedError(RejectCode.BAD_TIMESTAMP, message)
    if match["offset"] is None and naive_timestamps == "refuse":
        message = "must carry an offset, such as Z or +02:00"
        raise ReadingRefusedError(RejectCode.BAD_TIMESTAMP, message)
    try:
        moment = datetime.fromisoformat(match[0])
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        message = "must be a date and time that exist"
        raise ReadingRefusedError(RejectCode.BAD_TIMESTAMP, message) from error


def _shown(name: str) -> str:
    """A name that the client made up, safe to repeat to it."""
    return name.encode("utf-8", "replace").decode()[:100]
