"""The first rejected rows in words, with what the text at fault suggests."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from operator import itemgetter
from typing import Any

import polars as pl

from core.errors import ReadingRejectedError
from core.imports import TIMESTAMP, VALUE, DecimalMark, Hour24, ImportOptions
from core.readings import RejectCode, validate_id
from core.storage import Storage
from core.time import plausible_unit, utc_now
from core.timestamp_patterns import suggested_patterns
from jobs.csv_import.field_splitting import split_fields
from jobs.csv_import.numbered_lines import LINE_NUMBER
from jobs.csv_import.rejects import read_rejects
from jobs.csv_import.row_batches import RowSource
from jobs.csv_import.timestamps import SINCE_EPOCH, UNITS
from jobs.csv_import.warning_rules import other_mark

MAX_REASONS = 3
EXAMINED = 1000
NEARLY_ALL = 0.9
UNDECODABLE = "\ufffd"
FORMATS = {unit: time_format for time_format, unit in UNITS.items()}
COUNT = re.compile(SINCE_EPOCH)
END_OF_DAY = re.compile(r"(?<![0-9])24:00(?![0-9])")


async def explain_rejects(storage: Storage, folder: str, source: RowSource) -> str:
    """What the first rejected rows have in common, and the reasons of some; empty: none is."""
    keys = await storage.keys(folder)
    if not keys:
        return ""
    rejects = await read_rejects(storage, keys[0], EXAMINED)
    reasons = "; ".join(describe_rejects(rejects.head(MAX_REASONS), source))
    return " ".join([*describe_columns(rejects, source), f"The first reasons: {reasons}."])


def describe_columns(rejects: pl.DataFrame, source: RowSource) -> list[str]:
    """An option for each column of which nearly every rejected cell is written in another way."""
    now, options = utc_now(), source.options
    rows = split_fields(rejects.head(EXAMINED), source.layout.of_rejects)
    hints: dict[str, Callable[[str], str]] = {
        TIMESTAMP: lambda text: _unit(text, options, now),
        VALUE: lambda text: _mark(text, options),
    }
    common = {
        column: _common(map(hint, rows[column].drop_nulls())) for column, hint in hints.items()
    }
    parts = {column: hint.partition(": ") for column, hint in common.items() if hint}
    return [f"Nearly every {column} {what} ({fix})." for column, (what, _, fix) in parts.items()]


def _common(hints: Iterable[str]) -> str:
    """What nearly all hints are, if that is anything."""
    counts = Counter(hints)
    hint, count = max(counts.items(), key=itemgetter(1), default=("", 0))
    return hint if count >= NEARLY_ALL * counts.total() else ""


def describe_rejects(rejects: pl.DataFrame, source: RowSource) -> list[str]:
    """Line, code and column of each reject, and a hint where there is one."""
    now = utc_now()
    rows = split_fields(rejects, source.layout.of_rejects).iter_rows(named=True)
    return [_described(row, source.options, now) for row in rows]


def _described(row: dict[str, Any], options: ImportOptions, now: datetime) -> str:
    code, column = row["code"], row["column"]
    field = column
    if column and options.is_wide:  # the column is the cell's
        field = VALUE if code == RejectCode.BAD_NUMBER else TIMESTAMP
    text = row[field] if field else None
    hint = _hint(RejectCode(code), text, options, now) if text is not None else ""
    return f"line {row[LINE_NUMBER]}: {code}{column and f' in {column}'}{hint and f' ({hint})'}"


def _hint(code: RejectCode, text: str, options: ImportOptions, now: datetime) -> str:
    match code:
        case RejectCode.INVISIBLE_CHARACTER | RejectCode.BAD_TEXT:
            return _message(text, options)
        case RejectCode.BAD_TIMESTAMP:
            return (
                _unit(text, options, now)
                or _unknown_unit(text, options)
                or _pattern(text.strip(), options)
            )
        case RejectCode.TOO_FUTURE:
            return _unit(text, options, now)
        case RejectCode.BAD_NUMBER:
            return _mark(text, options)
        case RejectCode.TOO_OLD:
            return _unit(text, options, now) or "for historic data set earliest"
        case _:
            return ""


def _message(equipment_id: str, options: ImportOptions) -> str:
    """Which character no id may contain."""
    if UNDECODABLE in equipment_id:
        return f"has bytes that are no {options.encoding} text: set encoding"
    try:
        validate_id(equipment_id)
    except ReadingRejectedError as error:
        return error.message
    return ""


def _pattern(text: str, options: ImportOptions) -> str:
    """The option with which the text would be a timestamp."""
    if END_OF_DAY.search(text) and options.hour24 is Hour24.REJECT:
        return "for 24:00 set hour24=next_day"
    patterns = [pattern for pattern in suggested_patterns(text) if pattern != options.time_format]
    if not patterns:
        return ""
    question = "day or month first? " if patterns[1:] else ""
    return f"{question}set timeFormat={' or '.join(patterns)}"


def _unit(text: str, options: ImportOptions, now: datetime) -> str:
    """The unit in which the timestamp would be a plausible one."""
    count = COUNT.fullmatch(text.strip())
    unit = plausible_unit(int(count["whole"]), now) if count else None
    if unit not in FORMATS or FORMATS[unit] == options.time_format:
        return ""
    return f"looks like {unit}: set timeFormat={FORMATS[unit]}"


def _unknown_unit(text: str, options: ImportOptions) -> str:
    if options.time_format in UNITS or not COUNT.fullmatch(text.strip()):
        return ""
    return "is a number: say with timeFormat what it counts"


def _mark(text: str, options: ImportOptions) -> str:
    """The decimal mark with which the value would be a number."""
    if not re.fullmatch(other_mark(options.decimal), text.strip()):
        return ""
    other = next(mark for mark in DecimalMark if mark is not options.decimal)
    return f"has another decimal mark: set decimal={other}"
