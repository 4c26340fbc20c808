"""Parsers of import options: a form sends texts, a JSON object and the command line may send more.

Each gets the option's name and its value, and raises InvalidRequestError.
"""

import json
import re
from datetime import datetime

from api.http.parsers import invalid_parameter
from api.http.problem_details import FieldProblem, InvalidRequestError
from core.imports import COLUMNS, Delimiter
from core.readings import RejectCode, parse_earliest

MAX_NAME_CHARACTERS = 200
ROW_COUNT = re.compile("[0-9]{1,15}")
PERCENTAGE = re.compile(r"(100|[0-9]{1,2}(\.[0-9]{1,6})?)%")

DELIMITER_NAMES = {
    ",": Delimiter.COMMA,
    ";": Delimiter.SEMICOLON,
    "tab": Delimiter.TAB,
}
DELIMITERS = {**{str(delimiter): delimiter for delimiter in Delimiter}, **DELIMITER_NAMES}


def parse_delimiter(name: str, value: object) -> Delimiter:
    """One of DELIMITER_NAMES, or the character itself."""
    if not isinstance(value, str) or value not in DELIMITERS:
        raise invalid_parameter(name, "must be a comma, a semicolon or the word tab")
    return DELIMITERS[value]


def parse_columns(name: str, value: object) -> dict[str, str]:
    """The file's names for COLUMNS, from an object or from its JSON."""
    names = _parse_json(value)
    if not isinstance(names, dict) or not names.keys() <= set(COLUMNS):
        message = f"must be a JSON object that gives names of the file for {', '.join(COLUMNS)}"
        raise invalid_parameter(name, message)
    problems = [problem for column, text in names.items() for problem in _check_name(column, text)]
    if problems:
        raise InvalidRequestError(problems)
    if len(set(names.values())) < len(names):
        raise invalid_parameter(name, "must not name one column twice")
    return names


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


def _check_name(column: str, text: object) -> list[FieldProblem]:
    """What is invalid about the file's name for a column; an empty list: nothing."""
    field = f"columns.{column}"
    if not isinstance(text, str) or not text.strip():
        message = f"{field} must be the name of a column of the file"
        return [FieldProblem(field, RejectCode.MISSING_VALUE, message)]
    if len(text) > MAX_NAME_CHARACTERS:
        message = f"{field} must have at most {MAX_NAME_CHARACTERS} characters"
        return [FieldProblem(field, RejectCode.TOO_LONG, message)]
    return []
