"""The options of an import, parsed from form fields or from a JSON object."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from api.http.problem_details import FieldProblem, InvalidRequestError
from api.http.query_parameters import enum_parser, invalid_parameter, parse_time_zone, printable
from core.imports import COLUMNS, DecimalMark, Delimiter, ImportOptions, OnTooManyErrors, TimeFormat
from core.readings import OnConflict, RejectCode, parse_earliest

MAX_NAME_CHARACTERS = 200
ROW_COUNT = re.compile("[0-9]{1,15}")
PERCENTAGE = re.compile(r"(100|[0-9]{1,2}(\.[0-9]{1,6})?)%")
DELIMITERS = {**{str(delimiter): delimiter for delimiter in Delimiter}, "tab": Delimiter.TAB}


def parse_options(fields: Mapping[str, object]) -> ImportOptions:
    """The options, with defaults for those that are absent; values of a form are strings.

    Raises InvalidRequestError that names every unknown or invalid one.
    """
    parsed: dict[str, object] = {}
    problems: list[FieldProblem] = []
    for name, value in fields.items():
        try:
            parsed[name] = PARSERS.get(name, _unknown)(name, value)
        except InvalidRequestError as error:
            problems += error.problems
    if problems:
        raise InvalidRequestError(problems)
    return msgspec.convert(parsed, ImportOptions)


def _unknown(name: str, _value: object) -> object:
    raise invalid_parameter(printable(name), "is not a known field", "unknown_field")


def _delimiter(name: str, value: object) -> Delimiter:
    if not isinstance(value, str) or value not in DELIMITERS:
        raise invalid_parameter(name, "must be a comma, a semicolon or the word tab")
    return DELIMITERS[value]


def _columns(name: str, value: object) -> dict[str, str]:
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


def _max_errors(name: str, value: object) -> int | str:
    text = str(value)
    if ROW_COUNT.fullmatch(text):
        return int(text)
    if PERCENTAGE.fullmatch(text):
        return text
    raise invalid_parameter(name, "must be a whole number, or a percentage such as 5% or 0.1%")


def _earliest(name: str, value: object) -> datetime:
    try:
        return parse_earliest(value)
    except ValueError as error:
        raise invalid_parameter(name, str(error)) from error


PARSERS: dict[str, Callable[[str, object], object]] = {
    "delimiter": _delimiter,
    "decimal": enum_parser(DecimalMark),
    "timeFormat": enum_parser(TimeFormat),
    "timeZone": parse_time_zone,
    "columns": _columns,
    "maxErrors": _max_errors,
    "onTooManyErrors": enum_parser(OnTooManyErrors),
    "onConflict": enum_parser(OnConflict),
    "earliest": _earliest,
}
