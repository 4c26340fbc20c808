"""Parsers of single values, shared by query strings, forms and JSON: each error names its field.

Nothing here needs the framework, so that `sensorflow import --help` does not wait for it.
"""

import re
from collections.abc import Callable
from enum import StrEnum
from functools import cache
from typing import TypeVar
from zoneinfo import available_timezones

from api.http.problem_details import FieldProblem, InvalidRequestError
from core.errors import ReadingRejectedError
from core.readings import (
    MAX_EQUIPMENT_ID_CHARACTERS,
    RejectCode,
    normalize_id,
    rejection,
    validate_text,
)

MAX_PRINTED_CHARACTERS = 100

INTEGER = re.compile("[0-9]{1,9}")

# Names in the time zone database of a machine that name no zone of the world.
NO_ZONES = frozenset({"Factory", "localtime"})

Member = TypeVar("Member", bound=StrEnum)


def invalid_parameter(
    name: str, message: str, code: str = "validation_error"
) -> InvalidRequestError:
    """The error for one invalid parameter or field."""
    return InvalidRequestError([FieldProblem(name, code, f"{name} {message}")])


def printable(name: str) -> str:
    """A name made up by the client, fit for a message to it: encodable and not too long."""
    return name.encode("utf-8", "replace").decode()[:MAX_PRINTED_CHARACTERS]


def parse_text(_name: str, text: str) -> str:
    """The text as it is."""
    return text


def enum_parser(kind: type[Member]) -> Callable[[str, object], Member]:
    """A parser of the members of `kind`."""

    def parse(name: str, text: object) -> Member:
        try:
            return kind(str(text))
        except ValueError as error:
            raise invalid_parameter(name, f"must be one of {', '.join(kind)}") from error

    return parse


def integer_parser(minimum: int, maximum: int) -> Callable[[str, str], int]:
    """A parser of the integers between two, both included."""

    def parse(name: str, text: str) -> int:
        if not INTEGER.fullmatch(text) or not minimum <= int(text) <= maximum:
            raise invalid_parameter(name, f"must be a whole number from {minimum} to {maximum}")
        return int(text)

    return parse


def parse_equipment_id(name: str, text: str) -> tuple[str, ...]:
    """The id that the text is normalized to; before it the text, if it is another.

    Readings may be stored under the text as it is, from before ids were normalized.
    """
    equipment_id = normalize_id(text)
    try:
        if not equipment_id:
            raise rejection(RejectCode.MISSING_VALUE)
        validate_text(min(equipment_id, text, key=len), MAX_EQUIPMENT_ID_CHARACTERS)
    except ReadingRejectedError as error:
        raise invalid_parameter(name, error.message, error.code) from error
    return (equipment_id,) if text == equipment_id else (text, equipment_id)


def parse_time_zone(name: str, text: object) -> str:
    """The text, if it is the name of a time zone of the IANA database."""
    if not isinstance(text, str) or text not in _zone_names():
        raise invalid_parameter(name, "must be the name of a time zone, such as America/New_York")
    return text


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones()) - NO_ZONES
