"""What a cell looks like, before the code that imports has tried it."""

import re
from collections.abc import Iterable, Sequence

from core.imports import DecimalMark
from core.readings import NUMBER
from jobs.csv_import.warning_rules import NULL_WORD, SENTINELS

# A date, with or without a time of day, or a count since 1970 in seconds or a smaller unit.
TIME_LIKE = re.compile(
    r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ,].*)?"
    r"|\d{1,2}[-/. ]?[A-Za-z]{3,9}[-/., ]+\d{2,4}( .*)?"
    r"|[A-Za-z]{3,9} \d{1,2},? \d{4}( .*)?"
    r"|\d{8}([T ]?\d{4,6}(\.\d+)?Z?)?"
    r"|\d{9,19}(\.\d{1,9})?"
)
CLOCK_LIKE = re.compile(r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp][Mm])?([Zz]|[+-]\d{2}:?\d{2})?")
DATE_DIGITS = 8
NUMBERS = {
    DecimalMark.POINT: re.compile(NUMBER),
    DecimalMark.COMMA: re.compile(NUMBER.replace(r"\.", ",")),
}
NULL = re.compile(NULL_WORD)
MAX_NULL_VALUES = 10


def is_time_like(cell: str) -> bool:
    """Whether the cell may be a timestamp, or its date."""
    return TIME_LIKE.fullmatch(cell) is not None


def is_clock_like(cell: str) -> bool:
    """Whether the cell may be a time of day."""
    return CLOCK_LIKE.fullmatch(cell) is not None


def is_bare_date(cell: str) -> bool:
    """Whether the cell may be a date whose time of day is elsewhere."""
    return is_time_like(cell) and ":" not in cell and sum(map(str.isdigit, cell)) <= DATE_DIGITS


def is_number(cell: str, mark: DecimalMark) -> bool:
    """Whether the cell is a number that is written so."""
    return NUMBERS[mark].fullmatch(cell) is not None


def stands_for_none(cell: str) -> bool:
    """Whether the cell may say that there is no value; an empty one does."""
    return not cell or NULL.match(cell) is not None or _is_sentinel(cell)


def decimal_mark(cells: Sequence[str]) -> DecimalMark | None:
    """How the most numbers in the cells are written; None: most cells are no numbers."""
    present = [cell for cell in cells if not stands_for_none(cell)]
    counts = {mark: sum(is_number(cell, mark) for cell in present) for mark in DecimalMark}
    mark = max(DecimalMark, key=counts.__getitem__)
    return mark if present and counts[mark] * 2 >= len(present) else None


def null_values(cells: Sequence[str]) -> list[str]:
    """The different cells that may say that there is no value, as they first come."""
    found: dict[str, str] = {}
    for cell in filter(stands_for_none, cells):
        found.setdefault(cell.casefold(), cell)
    return [*found.values()][:MAX_NULL_VALUES]


def mostly(matches: Iterable[bool]) -> bool:
    """Whether there are some, and all but one in ten match."""
    found = list(matches)
    return bool(found) and sum(found) * 10 >= len(found) * 9


def _is_sentinel(cell: str) -> bool:
    plain = cell.replace(",", ".")
    return is_number(plain, DecimalMark.POINT) and float(plain) in SENTINELS
