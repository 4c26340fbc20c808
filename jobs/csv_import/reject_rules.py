"""Why a line is no reading: every reason, with the lines it holds for."""

from typing import NamedTuple

import polars as pl

from core.imports import EQUIPMENT_ID, TIMESTAMP, VALUE, ImportOptions
from core.readings import (
    BAD_TEXT,
    MAX_EQUIPMENT_ID_CHARACTERS,
    MAX_MAGNITUDE,
    MIN_MAGNITUDE,
    NOT_FINITE,
    RejectCode,
    TimeBounds,
)


class Rule(NamedTuple):
    """A reason to reject a line: the code, the column at fault, the lines it holds for."""

    code: RejectCode
    column: str
    applies: pl.Expr


def rules(options: ImportOptions, bounds: TimeBounds) -> list[Rule]:
    """Every reason, in the order in which they are looked for; the first that applies is told."""
    return [*_of_equipment_id(), *_of_timestamp(options, bounds), *_of_value(), *_of_age(bounds)]


def _of_equipment_id() -> list[Rule]:
    text = pl.col(EQUIPMENT_ID)
    return [
        Rule(RejectCode.WRONG_COLUMNS, "", text.is_null()),
        Rule(RejectCode.MISSING_VALUE, EQUIPMENT_ID, text.str.strip_chars() == ""),
        Rule(RejectCode.TOO_LONG, EQUIPMENT_ID, text.str.len_chars() > MAX_EQUIPMENT_ID_CHARACTERS),
        Rule(RejectCode.BAD_TEXT, EQUIPMENT_ID, text.str.contains(BAD_TEXT)),
    ]


def _of_timestamp(options: ImportOptions, bounds: TimeBounds) -> list[Rule]:
    ts, earlier, later = pl.col("ts"), pl.col("earlier"), pl.col("later")
    by_local_clock = [
        Rule(RejectCode.SKIPPED_TIME, TIMESTAMP, pl.col("skipped")),
        Rule(RejectCode.AMBIGUOUS_TIME, TIMESTAMP, earlier != later),
    ]
    return [
        Rule(RejectCode.MISSING_VALUE, TIMESTAMP, pl.col(TIMESTAMP).str.strip_chars() == ""),
        *(by_local_clock if options.uses_local_time else []),
        Rule(RejectCode.BAD_TIMESTAMP, TIMESTAMP, ts.is_null()),
        Rule(RejectCode.TOO_FUTURE, TIMESTAMP, ts > bounds.latest),
    ]


def _of_value() -> list[Rule]:
    number, written = pl.col("number"), pl.col(VALUE).str.strip_chars()
    not_zero = written.str.contains("^[^eE]*[1-9]")
    in_range = number.abs().is_between(MIN_MAGNITUDE, MAX_MAGNITUDE)
    return [
        Rule(RejectCode.MISSING_VALUE, VALUE, written == ""),
        Rule(RejectCode.NOT_FINITE, VALUE, written.str.contains(f"^{NOT_FINITE}$")),
        Rule(RejectCode.BAD_NUMBER, VALUE, number.is_null()),
        Rule(RejectCode.OUT_OF_RANGE, VALUE, not_zero & ~in_range),
    ]


def _of_age(bounds: TimeBounds) -> list[Rule]:
    if bounds.horizon is None:
        return []
    return [Rule(RejectCode.BELOW_RETENTION, TIMESTAMP, pl.col("ts") < bounds.horizon)]
