"""Rows of a batch that their sender should look at: valid and rejected ones, vectorised."""

from collections.abc import Iterable
from typing import NamedTuple

import polars as pl

from core.imports import EQUIPMENT_ID, TIMESTAMP, VALUE, DecimalMark
from core.row_warnings import MAX_LINES, RowWarning, WarningCode
from jobs.csv_import.numbered_lines import LINE_NUMBER

MONTH = "(?:Jan|Feb|Mar|Mrz|Apr|May|Mai|Jun|Jul|Aug|Sep|Oct|Okt|Nov|Dec|Dez)"
SCIENTIFIC_ID = r"^[0-9](?:[.,][0-9]+)?[eE]\+[0-9]{2,3}$"
FORMULA_ID = "^="
DATE_ID = rf"^[0-9]{{1,2}}[-.] ?{MONTH}$|^{MONTH}[-. ][0-9]{{2}}$"
# What makes an id worth a second look, in one expression, since every id is searched for it.
SPREADSHEET_ID = f"{SCIENTIFIC_ID}|{FORMULA_ID}|{DATE_ID}"

SENTINELS = (-999.9, -999.99, -9999.0, -9999.9, -9999.99, -99999.0)

NULL_WORD = r"^(?i:[+-]?nan|null|nil|none|na|n/a|n\.a\.|-+|\?|#.*)$"
SERIAL_DATE = r"^[3-7][0-9]{4}(?:[.,][0-9]+)?$"  # days from 1900: 1982 to 2119


class WarningRule(NamedTuple):
    """What to warn of, and the rows that it concerns."""

    code: WarningCode
    applies: pl.Expr


def warnings_of_valid(valid: pl.DataFrame, *, ids_are_plain: bool) -> list[RowWarning]:
    """Warnings of rows that are readings: their ids, and their values in `number`."""
    ids = pl.col(EQUIPMENT_ID)
    id_rules = [
        WarningRule(WarningCode.SCIENTIFIC_ID, ids.str.contains(SCIENTIFIC_ID)),
        WarningRule(WarningCode.FORMULA_ID, ids.str.contains(FORMULA_ID)),
        WarningRule(WarningCode.DATE_ID, ids.str.contains(DATE_ID)),
    ]
    sentinels = WarningRule(WarningCode.SENTINEL_VALUE, pl.col("number").is_in(SENTINELS))
    return _found(valid, [*([] if ids_are_plain else id_rules), sentinels])


def warnings_of_rejected(rejected: pl.DataFrame, decimal: DecimalMark) -> list[RowWarning]:
    """Warnings of rows that are rejected for the cell in `column`."""
    if rejected.is_empty():
        return []
    return _found(
        rejected,
        [
            _rule(WarningCode.OTHER_DECIMAL_MARK, VALUE, other_mark(decimal)),
            _rule(WarningCode.THOUSANDS_MARK, VALUE, _thousands(decimal)),
            _rule(WarningCode.NULL_WORD, VALUE, NULL_WORD),
            _rule(WarningCode.SERIAL_DATE, TIMESTAMP, SERIAL_DATE),
        ],
    )


def _rule(code: WarningCode, column: str, pattern: str) -> WarningRule:
    cell = pl.col(column).str.strip_chars()
    return WarningRule(code, (pl.col("column") == column) & cell.str.contains(pattern))


def other_mark(decimal: DecimalMark) -> str:
    """A number with the other mark before its fraction, and maybe this one between thousands."""
    mark, other = _marks(decimal)
    return rf"^[+-]?(?:[0-9]*|[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+){other}[0-9]+$"


def _thousands(decimal: DecimalMark) -> str:
    """A number with marks between thousands that is not one with the other decimal mark."""
    mark, other = _marks(decimal)
    grouped = rf"(?:{other}[0-9]{{3}}){{2,}}(?:{mark}[0-9]+)?|(?:{other}[0-9]{{3}})+{mark}[0-9]+"
    return rf"^[+-]?[0-9]{{1,3}}(?:{grouped}|(?:[ '\u2019\u00a0\u202f][0-9]{{3}})+(?:[.,][0-9]+)?)$"


def _marks(decimal: DecimalMark) -> tuple[str, str]:
    """The decimal mark and the other one, each as a pattern."""
    return (r"\.", ",") if decimal is DecimalMark.POINT else (",", r"\.")


def _found(rows: pl.DataFrame, rules: Iterable[WarningRule]) -> list[RowWarning]:
    found = ((rule.code, rows.filter(rule.applies)[LINE_NUMBER]) for rule in rules)
    return [RowWarning(code, len(lines), _first(lines)) for code, lines in found if len(lines)]


def _first(lines: pl.Series) -> list[int]:
    return lines.unique(maintain_order=True).head(MAX_LINES).to_list()
