"""The parameters of a query string, read strictly: each that is wrong is named."""

import re
from collections.abc import Callable, Collection, Sequence
from enum import StrEnum
from typing import TypeVar

from api.problems import FieldProblem, InvalidRequestError
from core.readings import BAD_TEXT, MAX_EQUIPMENT_ID_CHARACTERS, RejectCode

SHOWN_CHARACTERS = 100

WHOLE_NUMBER = re.compile("[0-9]{1,9}")
UNSTORABLE = re.compile(BAD_TEXT)

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


def choice(kind: type[Choice]) -> Callable[[str, str], Choice]:
    """A parser of the members of `kind`."""

    def parse(name: str, text: str) -> Choice:
        try:
            return kind(text)
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
    if not text:
        raise refusal(name, "must not be empty", RejectCode.MISSING_VALUE)
    if len(text) > MAX_EQUIPMENT_ID_CHARACTERS:
        message = f"must have at most {MAX_EQUIPMENT_ID_CHARACTERS} characters"
        raise refusal(name, message, RejectCode.TOO_LONG)
    if UNSTORABLE.search(text):
        message = "must hold no control character and no half or damaged one"
        raise refusal(name, message, RejectCode.BAD_TEXT)
    return text


def _unknown(name: str) -> FieldProblem:
    shown = name.encode("utf-8", "replace").decode()[:SHOWN_CHARACTERS]
    return FieldProblem(shown, "unknown_parameter", f"{shown} is not a known parameter")


def _repeated(name: str) -> FieldProblem:
    return FieldProblem(name, "repeated_parameter", f"{name} is given twice")
