"""The metadata of equipment, changed by a JSON merge patch (RFC 7396)."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from api.http.json_object import parse_json_object
from api.http.parsers import invalid_parameter, parse_time_zone, printable
from api.http.problem_details import FieldProblem, InvalidRequestError
from core.errors import ReadingRejectedError
from core.readings import RejectCode, validate_text

MERGE_PATCH = "application/merge-patch+json"

MIN_PERIOD_SECONDS = 0.001
MAX_PERIOD_SECONDS = 366 * 24 * 60 * 60
MAX_CHARACTERS: Mapping[str, int] = MappingProxyType({"name": 200, "unit": 50, "location": 500})

# Columns of the table equipment and their new values; None removes the value.
Changes: TypeAlias = dict[str, str | float | None]


def parse_changes(body: bytes) -> Changes:
    """The changes of a merge patch. Raises MalformedJsonError or InvalidRequestError."""
    changes: Changes = {}
    problems: list[FieldProblem] = []
    for field, value in parse_json_object(body).items():
        try:
            column, validate = _known(field)
            changes[column] = None if value is None else validate(field, value)
        except InvalidRequestError as error:
            problems += error.problems
    if problems:
        raise InvalidRequestError(problems)
    return changes


def _known(field: str) -> tuple[str, Callable[[str, Any], str | float]]:
    if field not in FIELDS:
        name = printable(field)
        problem = FieldProblem(name, "unknown_field", f"{name} is not a known field")
        raise InvalidRequestError([problem])
    return FIELDS[field]


def _text(field: str, value: object) -> str:
    if not isinstance(value, str):
        raise invalid_parameter(field, "must be a text or null", RejectCode.BAD_TEXT)
    if not value.strip():
        raise invalid_parameter(
            field, "must not be blank; null takes it away", RejectCode.MISSING_VALUE
        )
    try:
        return validate_text(value, MAX_CHARACTERS[field])
    except ReadingRejectedError as error:
        raise invalid_parameter(field, error.message, error.code) from error


def _period(field: str, value: object) -> float:
    if not isinstance(value, float):
        raise invalid_parameter(field, "must be a number or null", RejectCode.BAD_NUMBER)
    if not MIN_PERIOD_SECONDS <= value <= MAX_PERIOD_SECONDS:
        message = f"must be between {MIN_PERIOD_SECONDS} and {MAX_PERIOD_SECONDS}"
        raise invalid_parameter(field, message, RejectCode.OUT_OF_RANGE)
    return value


FIELDS: Mapping[str, tuple[str, Callable[[str, Any], str | float]]] = MappingProxyType(
    {
        **{name: (name, _text) for name in MAX_CHARACTERS},
        "zone": ("zone", parse_time_zone),
        "expectedPeriodSeconds": ("expected_period_seconds", _period),
    }
)
