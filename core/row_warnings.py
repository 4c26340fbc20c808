"""What the report of an import warns of: rows that are likely not what their sender meant.

A warning refuses nothing. Those of valid rows concern readings that are stored as they were sent,
those of rejected rows name what the rejects have in common.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct

MAX_LINES = 5


class WarningCode(StrEnum):
    """What rows look like; stable, part of the contract."""

    SCIENTIFIC_ID = "scientific_id"
    FORMULA_ID = "formula_id"
    DATE_ID = "date_id"
    SENTINEL_VALUE = "sentinel_value"
    OTHER_DECIMAL_MARK = "other_decimal_mark"
    THOUSANDS_MARK = "thousands_mark"
    NULL_WORD = "null_word"
    SERIAL_DATE = "serial_date"


SENTENCES: Mapping[WarningCode, str] = MappingProxyType(
    {
        WarningCode.SCIENTIFIC_ID: (
            "Ids look like a spreadsheet's scientific notation, such as 1.23457E+11: digits are "
            "lost. Format the column as text before the ids are typed, and export it again."
        ),
        WarningCode.FORMULA_ID: (
            'Ids begin with =, as a spreadsheet\'s formula such as ="00123" does; they are taken '
            "as they are written. Send the bare id."
        ),
        WarningCode.DATE_ID: (
            "Ids look like a spreadsheet's dates, such as 1-Mar where MAR1 was typed. Format the "
            "column as text before the ids are typed, and export it again."
        ),
        WarningCode.SENTINEL_VALUE: (
            "Values such as -9999 are taken as readings; loggers write them where there is none. "
            "If that is meant, name them in nullValues."
        ),
        WarningCode.OTHER_DECIMAL_MARK: (
            "Numbers are written in two ways: these values are numbers if decimal is the other "
            "mark. Set decimal, and check accepted ones such as 1.234, which may mean 1234."
        ),
        WarningCode.THOUSANDS_MARK: (
            "Values have marks between thousands, such as 1,234.5. Export them without."
        ),
        WarningCode.NULL_WORD: (
            "Values such as NAN, n/a or #N/A say that there is none. Name them in nullValues, and "
            "they are skipped."
        ),
        WarningCode.SERIAL_DATE: (
            "Timestamps look like a spreadsheet's count of days, such as 45962.5. Format the "
            "column as date and time, and export it again."
        ),
    }
)


class RowWarning(Struct, frozen=True):
    """How many rows a warning concerns, and the first of their lines."""

    code: WarningCode
    count: int
    lines: list[int]


class ReportedWarning(Struct, frozen=True):
    """A warning as it is reported, with what to do."""

    code: WarningCode
    message: str
    count: int
    lines: list[int]


def merge_warnings(*parts: Iterable[RowWarning]) -> list[RowWarning]:
    """The warnings of all parts of a file, one a code, in the order of WarningCode."""
    by_code: dict[WarningCode, list[RowWarning]] = {code: [] for code in WarningCode}
    for part in parts:
        for warning in part:
            by_code[warning.code].append(warning)
    return [_merged(code, found) for code, found in by_code.items() if found]


def _merged(code: WarningCode, found: Sequence[RowWarning]) -> RowWarning:
    lines = sorted({line for warning in found for line in warning.lines})
    return RowWarning(code, sum(warning.count for warning in found), lines[:MAX_LINES])


def reported(warnings: Iterable[RowWarning]) -> list[ReportedWarning]:
    """The warnings with their sentences."""
    return [
        ReportedWarning(warning.code, SENTENCES[warning.code], warning.count, warning.lines)
        for warning in warnings
    ]
