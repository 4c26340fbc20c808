"""The first rejected rows in words, with what the text at fault suggests."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple

import polars as pl

from core.errors import ReadingRejectedError
from core.imports import TIMESTAMP, VALUE, DecimalMark, Hour24, ImportOptions, Remedy
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


class Hint(NamedTuple):
    """What a rejected text suggests, in words, and each option with which it may be right."""

    text: str = ""
    remedies: tuple[Remedy, ...] = ()


NO_HINT = Hint()


class Reason(NamedTuple):
    """Why a row is rejected; of a wide file the column is its cell's."""

    line: int
    code: RejectCode
    column: str
    hint: Hint

    def __str__(self) -> str:
        column = self.column and f" in {self.column}"
        hint = self.hint.text and f" ({self.hint.text})"
        return f"line {self.line}: {self.code}{column}{hint}"


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
    parts = {
        column: hint.text.partition(": ") for column, hint in column_hints(rejects, source).items()
    }
    return [f"Nearly every {column} {what} ({fix})." for column, (what, _, fix) in parts.items()]


def column_hints(rejects: pl.DataFrame, source: RowSource) -> dict[str, Hint]:
    """What nearly every rejected cell of a column suggests, by column."""
    now, options = utc_now(), source.options
    rows = split_fields(rejects.head(EXAMINED), source.layout.of_rejects)
    hints: dict[str, Callable[[str], Hint]] = {
        TIMESTAMP: lambda text: _unit(text, options, now),
        VALUE: lambda text: _mark(text, options),
    }
    common = {
        column: _common(map(hint, rows[column].drop_nulls())) for column, hint in hints.items()
    }
    return {column: hint for column, hint in common.items() if hint.text}


def _common(hints: Iterable[Hint]) -> Hint:
    """What nearly all hints are, if that is anything."""
    counts = Counter(hints)
    hint, count = max(counts.items(), key=itemgetter(1), default=(NO_HINT, 0))
    return hint if count >= NEARLY_ALL * counts.total() else NO_HINT


def describe_rejects(rejects: pl.DataFrame, source: RowSource) -> list[str]:
    """Line, code and column of each reject, and a hint where there is one."""
    return list(map(str, reasons_of(rejects, source)))


def reasons_of(rejects: pl.DataFrame, source: RowSource) -> list[Reason]:
    """The reason of each reject whose row is not blank."""
    now = utc_now()
    rows = split_fields(rejects, source.layout.of_rejects).iter_rows(named=True)
    return [_reason(row, source.options, now) for row in rows]


def _reason(row: dict[str, Any], options: ImportOptions, now: datetime) -> Reason:
    code, column = RejectCode(row["code"]), row["column"]
    field = column
    if column and options.is_wide:  # the column is the cell's
        field = VALUE if code is RejectCode.BAD_NUMBER else TIMESTAMP
    text = row[field] if field else None
    hint = NO_HINT if text is None else _hint(code, text, options, now)
    return Reason(row[LINE_NUMBER], code, column, hint)


def _hint(code: RejectCode, text: str, options: ImportOptions, now: datetime) -> Hint:
    match code:
        case RejectCode.INVISIBLE_CHARACTER | RejectCode.BAD_TEXT:
            return Hint(_message(text, options))
        case RejectCode.BAD_TIMESTAMP:
            hints = (
                _unit(text, options, now),
                _unknown_unit(text, options),
                _pattern(text.strip(), options),
            )
            return next((hint for hint in hints if hint.text), NO_HINT)
        case RejectCode.TOO_FUTURE:
            return _unit(text, options, now)
        case RejectCode.BAD_NUMBER:
            return _mark(text, options)
        case RejectCode.TOO_OLD:
            unit = _unit(text, options, now)
            return unit if unit.text else Hint("for historic data set earliest")
        case _:
            return NO_HINT


def _message(equipment_id: str, options: ImportOptions) -> str:
    """Which character no id may contain."""
    if UNDECODABLE in equipment_id:
        return f"has bytes that are no {options.encoding} text: set encoding"
    try:
        validate_id(equipment_id)
    except ReadingRejectedError as error:
        return error.message
    return ""


def _pattern(text: str, options: ImportOptions) -> Hint:
    """The option with which the text would be a timestamp."""
    if END_OF_DAY.search(text) and options.hour24 is Hour24.REJECT:
        return _setting("for 24:00 ", "hour24", Hour24.NEXT_DAY)
    patterns = [pattern for pattern in suggested_patterns(text) if pattern != options.time_format]
    if not patterns:
        return NO_HINT
    return _setting("day or month first? " if patterns[1:] else "", "timeFormat", *patterns)


def _unit(text: str, options: ImportOptions, now: datetime) -> Hint:
    """The unit in which the timestamp would be a plausible one."""
    count = COUNT.fullmatch(text.strip())
    unit = plausible_unit(int(count["whole"]), now) if count else None
    if unit not in FORMATS or FORMATS[unit] == options.time_format:
        return NO_HINT
    return _setting(f"looks like {unit}: ", "timeFormat", FORMATS[unit])


def _unknown_unit(text: str, options: ImportOptions) -> Hint:
    if options.time_format in UNITS or not COUNT.fullmatch(text.strip()):
        return NO_HINT
    return Hint("is a number: say with timeFormat what it counts")


def _mark(text: str, options: ImportOptions) -> Hint:
    """The decimal mark with which the value would be a number."""
    if not re.fullmatch(other_mark(options.decimal), text.strip()):
        return NO_HINT
    other = next(mark for mark in DecimalMark if mark is not options.decimal)
    return _setting("has another decimal mark: ", "decimal", other)


def _setting(why: str, option: str, *values: str) -> Hint:
    """The hint to give the option one of the values."""
    remedies = tuple(Remedy(option, value) for value in values)
    return Hint(f"{why}set {option}={' or '.join(values)}", remedies)
