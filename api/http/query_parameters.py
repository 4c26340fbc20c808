"""The parameters of a query string, read strictly: each that is wrong is named."""

import re
from collections.abc import Callable, Collection, Sequence
from enum import StrEnum
from functools import cache
from typing import TypeVar
from zoneinfo import available_timezones

from api.http.problem_details import FieldProblem, InvalidRequestError
from core.errors import ReadingRejectedError
from core.readings import MAX_EQUIPMENT_ID_CHARACTERS, RejectCode, rejection, validate_text

SHOWN_CHARACTERS = 100

WHOLE_NUMBER = re.compile("[0-9]{1,9}")

# Names in the time zone database of a machine that name no zone of the world.
NO_ZONES = frozenset({"Factory", "localtime"})

Value = TypeVar("Value")
Choice = TypeVar("Choice", bound=StrEnum)


class Parameters:
    """What one request says, and what was found wrong with it so far."""

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
        """What `parse` makes of name and text; the default without a text or if it refuses."""
        texts = self.all(name)
        return self.noted(lambda: parse(name, texts[0]), default) if texts else default

    def noted(self, parse: Callable[[], Value], default: Value) -> Value:
        """What `parse` returns; the default if it refuses, which `check` raises later."""
        try:
            return parse()
        except InvalidRequestError as error:
            self._problems += error.problems
            return default

    def check(self) -> None:
        """Raise InvalidRequestError with everything that was refused."""
        if self._problems:
            raise InvalidRequestError(self._problems)


def refusal(name: str, message: str, code: str = "validation_error") -> InvalidRequestError:
    """The error that says what is wrong with one parameter."""
    return InvalidRequestError([FieldProblem(name, code, f"{name} {message}")])


def choice(kind: type[Choice]) -> Callable[[str, object], Choice]:
    """A parser of the members of `kind`."""

    def parse(name: str, text: object) -> Choice:
        try:
            return kind(str(text))
        except ValueError as error:
            raise refusal(name, f"must be one of {', '.join(kind)}") from error

    return parse


def whole_number(least: int, most: int) -> Callable[[str, str], int]:
    """A parser of the whole numbers between two, both allowed."""

    def parse(name: str, text: str) -> int:
        if not WHOLE_NUMBER.fullmatch(text) or not least <= int(text) <= most:
            raise refusal(name, f"must be a whole number from {least} to {most}")
        return int(text)

    return parse


def equipment_id(name: str, text: str) -> str:
    """The text, if it could be the id of some equipment."""
    try:
        if not text:
            raise rejection(RejectCode.MISSING_VALUE)
        return validate_text(text, MAX_EQUIPMENT_ID_CHARACTERS)
    except ReadingRejectedError as error:
        raise refusal(name, error.message, error.code) from error


def time_zone(name: str, text: object) -> str:
    """The text, if it is the name of a time zone of the IANA database."""
    if not isinstance(text, str) or text not in _zone_names():
        raise refusal(name, "must be the name of a time zone, such as America/New_York")
    return text


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones()) - NO_ZONES


def shown(name: str) -> str:
    """A name that the client made up, fit to be repeated to it: encodable and not long."""
    return name.encode("utf-8", "replace").decode()[:SHOWN_CHARACTERS]


def _unknown(name: str) -> FieldProblem:
    name = shown(name)
    return FieldProblem(name, "unknown_parameter", f"{name} is not a known parameter")


def _repeated(name: str) -> FieldProblem:
    return FieldProblem(name, "repeated_parameter", f"{name} is given twice")
