"""The parameters of a query string, parsed strictly: each invalid one is named."""

import re
from collections.abc import Callable, Collection, Sequence
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

Value = TypeVar("Value")
Member = TypeVar("Member", bound=StrEnum)


class Parameters:
    """The parameters of one request, and the problems collected while they are parsed."""

    def __init__(
        self,
        pairs: Sequence[tuple[str, str]],
        known: Collection[str],
        repeatable: Collection[str] = (),
    ) -> None:
        self._pairs = pairs
        names = [name for name, _ in pairs]
        unknown = [_unknown(name) for name in dict.fromkeys(names) if name not in known]
        single = [name for name in known if name not in repeatable]
        self._problems = unknown + [_repeated(name) for name in single if names.count(name) > 1]

    def all(self, name: str) -> list[str]:
        """Every text given for the name."""
        return [text for given, text in self._pairs if given == name]

    def read(self, name: str, parse: Callable[[str, str], Value], default: Value) -> Value:
        """The parsed value of the parameter; the default if it is not given or invalid."""
        texts = self.all(name)
        return self.attempt(lambda: parse(name, texts[0]), default) if texts else default

    def attempt(self, parse: Callable[[], Value], default: Value) -> Value:
        """What `parse` returns; the default if it raises InvalidRequestError.

        The error's problems are collected for `check`.
        """
        try:
            return parse()
        except InvalidRequestError as error:
            self._problems += error.problems
            return default

    def check(self) -> None:
        """Raise InvalidRequestError with every problem collected so far."""
        if self._problems:
            raise InvalidRequestError(self._problems)


def invalid_parameter(
    name: str, message: str, code: str = "validation_error"
) -> InvalidRequestError:
    """The error for one invalid parameter or field."""
    return InvalidRequestError([FieldProblem(name, code, f"{name} {message}")])


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


def printable(name: str) -> str:
    """A name made up by the client, fit for a message to it: encodable and not too long."""
    return name.encode("utf-8", "replace").decode()[:MAX_PRINTED_CHARACTERS]


def _unknown(name: str) -> FieldProblem:
    name = printable(name)
    return FieldProblem(name, "unknown_parameter", f"{name} is not a known parameter")


def _repeated(name: str) -> FieldProblem:
    return FieldProblem(name, "repeated_parameter", f"{name} is given twice")
