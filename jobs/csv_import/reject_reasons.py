"""The first rejected rows in words, with what the text at fault suggests."""

import re
from datetime import datetime
from typing import Any

import polars as pl

from core.errors import ReadingRejectedError
from core.imports import TIMESTAMP, Hour24, ImportOptions
from core.readings import RejectCode, validate_id
from core.storage import Storage
from core.time import plausible_unit, utc_now
from core.timestamp_patterns import suggested_patterns
from jobs.csv_import.field_splitting import split_fields
from jobs.csv_import.numbered_lines import LINE_NUMBER
from jobs.csv_import.rejects import read_rejects
from jobs.csv_import.row_batches import RowSource
from jobs.csv_import.timestamps import SINCE_EPOCH, UNITS

MAX_REASONS = 3
FORMATS = {unit: time_format for time_format, unit in UNITS.items()}
COUNT = re.compile(SINCE_EPOCH)
END_OF_DAY = re.compile(r"(?<![0-9])24:00(?![0-9])")


async def first_reject_reasons(storage: Storage, folder: str, source: RowSource) -> list[str]:
    """The reasons of the first rejected rows: "line 2: bad_number in value"."""
    keys = await storage.keys(folder)
    if not keys:
        return []
    return describe_rejects(await read_rejects(storage, keys[0], MAX_REASONS), source)


def describe_rejects(rejects: pl.DataFrame, source: RowSource) -> list[str]:
    """Line, code and column of each reject, and a hint where there is one."""
    now = utc_now()
    rows = split_fields(rejects, source.layout.of_rejects).iter_rows(named=True)
    return [_described(row, source.options, now) for row in rows]


def _described(row: dict[str, Any], options: ImportOptions, now: datetime) -> str:
    code, column = row["code"], row["column"]
    # The ids of a wide file are good, and its values need no hint.
    text = row[TIMESTAMP if options.is_wide else column] if column else None
    hint = _hint(RejectCode(code), text, options, now) if text is not None else ""
    return f"line {row[LINE_NUMBER]}: {code}{column and f' in {column}'}{hint and f' ({hint})'}"


def _hint(code: RejectCode, text: str, options: ImportOptions, now: datetime) -> str:
    match code:
        case RejectCode.INVISIBLE_CHARACTER | RejectCode.BAD_TEXT:
            return _message(text)
        case RejectCode.BAD_TIMESTAMP:
            return _unit(text, options, now) or _pattern(text.strip(), options)
        case RejectCode.TOO_FUTURE:
            return _unit(text, options, now)
        case RejectCode.TOO_OLD:
            return _unit(text, options, now) or "for historic data set earliest"
        case _:
            return ""


def _message(equipment_id: str) -> str:
    """Which character no id may contain."""
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
