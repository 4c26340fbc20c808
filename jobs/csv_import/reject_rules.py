"""Why a line is no reading: every rule, with the lines that break it."""

from typing import NamedTuple

import polars as pl

from core.imports import EQUIPMENT_ID, TIMESTAMP, VALUE, ImportOptions
from core.readings import (
    BAD_TEXT,
    INVISIBLE,
    MAX_EQUIPMENT_ID_CHARACTERS,
    MAX_MAGNITUDE,
    MIN_MAGNITUDE,
    NONZERO_DIGIT,
    NOT_FINITE,
    RejectCode,
    TimeBounds,
)
from jobs.csv_import.null_values import NULL_VALUE


class RejectRule(NamedTuple):
    """A reason to reject a line: the code, the column at fault, the lines it applies to."""

    code: RejectCode
    column: str
    applies: pl.Expr


def reject_rules(
    options: ImportOptions, bounds: TimeBounds, *, ids_are_plain: bool
) -> list[RejectRule]:
    """Every rule that may apply, in order; a line is rejected by the first that does."""
    return [
        *_equipment_id_rules(),
        *([] if ids_are_plain else _character_rules()),
        *_timestamp_rules(options, bounds),
        *_value_rules(options),
        *_retention_rules(bounds),
    ]


def _equipment_id_rules() -> list[RejectRule]:
    text = pl.col(EQUIPMENT_ID)
    return [
        RejectRule(RejectCode.WRONG_COLUMNS, "", text.is_null()),
        RejectRule(RejectCode.MISSING_VALUE, EQUIPMENT_ID, text == ""),
        RejectRule(
            RejectCode.TOO_LONG, EQUIPMENT_ID, text.str.len_chars() > MAX_EQUIPMENT_ID_CHARACTERS
        ),
    ]


def _character_rules() -> list[RejectRule]:
    text = pl.col(EQUIPMENT_ID)
    return [
        RejectRule(RejectCode.BAD_TEXT, EQUIPMENT_ID, text.str.contains(BAD_TEXT)),
        RejectRule(RejectCode.INVISIBLE_CHARACTER, EQUIPMENT_ID, text.str.contains(INVISIBLE)),
    ]


def _timestamp_rules(options: ImportOptions, bounds: TimeBounds) -> list[RejectRule]:
    ts, earlier, later = pl.col("ts"), pl.col("earlier"), pl.col("later")
    by_local_clock = [
        RejectRule(RejectCode.SKIPPED_TIME, TIMESTAMP, pl.col("skipped")),
        RejectRule(RejectCode.AMBIGUOUS_TIME, TIMESTAMP, earlier != later),
    ]
    return [
        RejectRule(RejectCode.MISSING_VALUE, TIMESTAMP, pl.col(TIMESTAMP).str.strip_chars() == ""),
        *(by_local_clock if options.uses_local_time else []),
        RejectRule(RejectCode.BAD_TIMESTAMP, TIMESTAMP, ts.is_null()),
        RejectRule(RejectCode.TOO_OLD, TIMESTAMP, ts < bounds.earliest),
        RejectRule(RejectCode.TOO_FUTURE, TIMESTAMP, ts > bounds.latest),
    ]


def _value_rules(options: ImportOptions) -> list[RejectRule]:
    rules = _reading_rules()
    if options.null_values:
        return [rule._replace(applies=rule.applies & ~pl.col(NULL_VALUE)) for rule in rules]
    return rules


def _reading_rules() -> list[RejectRule]:
    number, text = pl.col("number"), pl.col(VALUE).str.strip_chars()
    not_zero = text.str.contains(NONZERO_DIGIT)
    in_range = number.abs().is_between(MIN_MAGNITUDE, MAX_MAGNITUDE)
    return [
        RejectRule(RejectCode.MISSING_VALUE, VALUE, text == ""),
        RejectRule(RejectCode.NOT_FINITE, VALUE, text.str.contains(f"^{NOT_FINITE}$")),
        RejectRule(RejectCode.BAD_NUMBER, VALUE, number.is_null()),
        RejectRule(RejectCode.OUT_OF_RANGE, VALUE, not_zero & ~in_range),
    ]


def _retention_rules(bounds: TimeBounds) -> list[RejectRule]:
    if bounds.horizon is None:
        return []
    return [RejectRule(RejectCode.BELOW_RETENTION, TIMESTAMP, pl.col("ts") < bounds.horizon)]
