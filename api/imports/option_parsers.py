"""Parsers of import options: a form sends texts, a JSON object and the command line may send more.

Each gets the option's name and its value, and raises InvalidRequestError.
"""

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from api.http.parsers import invalid_parameter
from api.http.problem_details import FieldProblem, InvalidRequestError
from core.errors import ReadingRejectedError
from core.imports import COLUMN_NAME, COLUMNS, TIMESTAMP, Delimiter, TimeFormat
from core.readings import RejectCode, parse_earliest, validate_id
from core.timestamp_patterns import EXAMPLES, parse_pattern

MAX_NAME_CHARACTERS = 200
MAX_SKIPPED_LINES = 10_000
MAX_PREFIX_CHARACTERS = 10
ROW_COUNT = re.compile("[0-9]{1,15}")
# What no text in the database can hold.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
PERCENTAGE = re.compile(r"(100|[0-9]{1,2}(\.[0-9]{1,6})?)%")

PREFIX = re.compile(rf"\S{{1,{MAX_PREFIX_CHARACTERS}}}")

DELIMITER_NAMES = {
    ",": Delimiter.COMMA,
    ";": Delimiter.SEMICOLON,
    "|": Delimiter.PIPE,
    "tab": Delimiter.TAB,
}
DELIMITERS = {**{str(delimiter): delimiter for delimiter in Delimiter}, **DELIMITER_NAMES}


def parse_delimiter(name: str, value: object) -> Delimiter:
    """One of DELIMITER_NAMES, or the character itself."""
    if not isinstance(value, str) or value not in DELIMITERS:
        raise invalid_parameter(name, "must be a comma, a semicolon, a pipe or the word tab")
    return DELIMITERS[value]


def parse_columns(name: str, value: object) -> dict[str, str | list[str]]:
    """The file's names for COLUMNS, or the numbers of its columns, from an object or its JSON."""
    given = _parse_json(value)
    if not isinstance(given, dict) or not given.keys() <= set(COLUMNS):
        message = f"must be a JSON object that gives names of the file for {', '.join(COLUMNS)}"
        raise invalid_parameter(name, message)
    columns = {column: _numbers_as_texts(names) for column, names in given.items()}
    named = [(column, text) for column, names in columns.items() for text in _each(column, names)]
    problems = [problem for column, text in named for problem in _check_name(column, text)]
    if problems:
        raise InvalidRequestError(problems)
    if len({text for _, text in named}) < len(named):
        raise invalid_parameter(name, "must not name one column twice")
    return columns


def _numbers_as_texts(value: object) -> Any:
    if isinstance(value, list):
        return [_numbers_as_texts(part) for part in value]
    return str(value) if type(value) is int else value


def _each(column: str, names: Any) -> list[Any]:
    """The names for a column: two for a timestamp of date and time, else one."""
    match names:
        case [_, _] if column == TIMESTAMP:
            return list(names)
        case _:
            return [names]


def parse_line_count(name: str, value: object) -> int:
    """A number of lines."""
    text = str(value)
    if type(value) in {int, str} and ROW_COUNT.fullmatch(text) and int(text) <= MAX_SKIPPED_LINES:
        return int(text)
    raise invalid_parameter(name, f"must be a whole number of at most {MAX_SKIPPED_LINES} lines")


def parse_comment_prefix(name: str, value: object) -> str:
    """What a comment begins with: letters and signs, without blanks."""
    if isinstance(value, str) and PREFIX.fullmatch(value) and value.isprintable():
        return value
    message = f"must be 1 to {MAX_PREFIX_CHARACTERS} printable characters without blanks, such as #"
    raise invalid_parameter(name, message)


def texts_parser(example: str, max_texts: int) -> Callable[[str, object], list[str]]:
    """A parser of a list of texts, or of its JSON."""

    def parse(name: str, value: object) -> list[str]:
        texts = _parse_json(value)
        if not isinstance(texts, list) or not all(map(_is_storable, texts)):
            raise invalid_parameter(name, f"must be a JSON list of texts, such as {example}")
        if len(texts) > max_texts or any(len(text) > MAX_NAME_CHARACTERS for text in texts):
            message = f"must have at most {max_texts} texts of {MAX_NAME_CHARACTERS} characters"
            raise invalid_parameter(name, message)
        return texts

    return parse


def parse_id_template(name: str, value: object) -> str:
    """A text around COLUMN_NAME that makes an equipment id of a column's name."""
    if not isinstance(value, str) or value.count(COLUMN_NAME) != 1:
        message = f"must have {COLUMN_NAME} once, for a column's name, such as plant1.{COLUMN_NAME}"
        raise invalid_parameter(name, message)
    try:
        validate_id(value)
    except ReadingRejectedError as error:
        raise invalid_parameter(name, error.message, error.code) from error
    return value


def parse_time_format(name: str, value: object) -> str:
    """One of TimeFormat, or a pattern in the words of strptime."""
    text = str(value)
    if text in set(TimeFormat):
        return text
    if not isinstance(value, str) or "%" not in text:
        message = f"must be one of {', '.join(TimeFormat)}, or a pattern such as {EXAMPLES}"
        raise invalid_parameter(name, message)
    try:
        parse_pattern(text)
    except ValueError as error:
        raise invalid_parameter(name, str(error)) from error
    return text


def parse_max_errors(name: str, value: object) -> int | str:
    """A number of rows, or a percentage as its text."""
    text = str(value)
    if ROW_COUNT.fullmatch(text):
        return int(text)
    if PERCENTAGE.fullmatch(text):
        return text
    raise invalid_parameter(name, "must be a whole number, or a percentage such as 5% or 0.1%")


def parse_earliest_option(name: str, value: object) -> datetime:
    """A date or a timestamp, as in the settings."""
    try:
        return parse_earliest(value)
    except ValueError as error:
        raise invalid_parameter(name, str(error)) from error


def _parse_json(value: object) -> object:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return None


def _is_storable(text: object) -> bool:
    return isinstance(text, str) and not UNSTORABLE.search(text)


def _check_name(column: str, text: object) -> list[FieldProblem]:
    """What is invalid about the file's name for a column; an empty list: nothing."""
    field = f"columns.{column}"
    if not isinstance(text, str) or not text.strip() or UNSTORABLE.search(text):
        message = f"{field} must be the name of a column of the file"
        return [FieldProblem(field, RejectCode.MISSING_VALUE, message)]
    if len(text) > MAX_NAME_CHARACTERS:
        message = f"{field} must have at most {MAX_NAME_CHARACTERS} characters"
        return [FieldProblem(field, RejectCode.TOO_LONG, message)]
    return []
