"""Which lines of a batch are readings, and why the others are not: vectorised, a reason a line."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from core.imports import EQUIPMENT_ID, VALUE, DecimalMark, ImportOptions
from core.readings import NUMBER, OnConflict, TimeBounds
from jobs.csv_import.numbered_lines import LINE_NUMBER, TEXT
from jobs.csv_import.reject_rules import RejectRule, reject_rules
from jobs.csv_import.timestamps import with_moments


@dataclass(frozen=True, slots=True)
class JudgedBatch:
    """A batch's `readings` (equipment_id, ts, value) and `rejects` (line, code, column, row).

    Where conflicts are errors, the readings have line and row too.
    """

    readings: pl.DataFrame
    rejects: pl.DataFrame

    @property
    def numbered(self) -> pl.DataFrame | None:
        """The readings, if they have line and row."""
        return self.readings if LINE_NUMBER in self.readings.columns else None

    @property
    def rows_read(self) -> int:
        """Every row of the batch; blank lines are none."""
        return self.readings.height + self.rejects.height


def judge(rows: pl.DataFrame, options: ImportOptions, bounds: TimeBounds) -> JudgedBatch:
    """Judge rows that have `line`, `row` and each of COLUMNS as text."""
    reasons = reject_rules(options, bounds)
    verdicts = [pl.when(rule.applies).then(number) for number, rule in enumerate(reasons)]
    judged = (
        with_moments(rows, options)
        .with_columns(number=_number(options.decimal))
        .with_columns(verdict=pl.coalesce(verdicts))
    )
    good = judged.filter(pl.col("verdict").is_null())
    told = _told_in_conflicts(options)
    return JudgedBatch(
        good.select(*told, equipment_id=EQUIPMENT_ID, ts="ts", value="number"),
        _rejects(judged.filter(pl.col("verdict").is_not_null()), reasons),
    )


def _told_in_conflicts(options: ImportOptions) -> tuple[str, ...]:
    return (LINE_NUMBER, TEXT) if options.on_conflict is OnConflict.ERROR else ()


def _number(mark: DecimalMark) -> pl.Expr:
    """The value, infinite where it is too large for the type; null where it is no number."""
    text = pl.col(VALUE).str.strip_chars()
    if mark is DecimalMark.COMMA:
        text = text.str.replace_many([",", "."], [".", ","])
    return pl.when(text.str.contains(f"^{NUMBER}$")).then(text.cast(pl.Float64, strict=False))


def _rejects(rejected: pl.DataFrame, reasons: Sequence[RejectRule]) -> pl.DataFrame:
    codes = dict(enumerate(str(rule.code) for rule in reasons))
    columns = dict(enumerate(rule.column for rule in reasons))
    return rejected.select(
        LINE_NUMBER,
        code=pl.col("verdict").replace_strict(codes, return_dtype=pl.String),
        column=pl.col("verdict").replace_strict(columns, return_dtype=pl.String),
        row=TEXT,
    )
