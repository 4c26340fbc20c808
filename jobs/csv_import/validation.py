"""Validation of a batch of rows: readings, and rejects with a reason each; vectorised."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from core.imports import EQUIPMENT_ID, ImportOptions
from core.readings import OnConflict, TimeBounds
from core.row_warnings import RowWarning
from jobs.csv_import.equipment_ids import are_plain, with_normalized_ids
from jobs.csv_import.null_values import NULL_VALUE, with_null_values
from jobs.csv_import.numbered_lines import LINE_NUMBER, TEXT
from jobs.csv_import.numbers import number
from jobs.csv_import.reject_rules import RejectRule, reject_rules
from jobs.csv_import.timestamps import with_timestamps
from jobs.csv_import.warning_rules import warnings_of_rejected, warnings_of_valid
from jobs.csv_import.wide_cells import SENSOR


@dataclass(frozen=True, slots=True)
class ValidatedBatch:
    """A batch's `readings` (equipment_id, ts, value) and `rejects` (line, code, column, row).

    Of a wide file the column is that of the cell, as the file names it. Where conflicts are errors,
    the readings have line and row too. `skipped` rows are neither:
    they are valid, but hold no reading. Warnings of readings and of rejected rows are apart: a row
    that is resubmitted may come to the former later.
    """

    readings: pl.DataFrame
    rejects: pl.DataFrame
    valid_warnings: list[RowWarning]
    reject_warnings: list[RowWarning]
    skipped: int

    @property
    def numbered_readings(self) -> pl.DataFrame | None:
        """The readings, if they have line and row."""
        return self.readings if LINE_NUMBER in self.readings.columns else None

    @property
    def warnings(self) -> list[RowWarning]:
        """What to warn of when the rows are first read."""
        return [*self.valid_warnings, *self.reject_warnings]

    @property
    def rows_read(self) -> int:
        """The number of rows of the batch, without blank lines."""
        return self.readings.height + self.rejects.height + self.skipped


def validate(rows: pl.DataFrame, options: ImportOptions, bounds: TimeBounds) -> ValidatedBatch:
    """Validate rows that have `line`, `row` and each of COLUMNS as text; SENSOR too if wide.

    A row is rejected for the first rule that applies.
    """
    ids_are_plain = are_plain(rows[EQUIPMENT_ID])
    rules = reject_rules(options, bounds, ids_are_plain=ids_are_plain)
    numbers = [pl.when(rule.applies).then(number) for number, rule in enumerate(rules)]
    parsed = with_timestamps(
        rows if ids_are_plain else with_normalized_ids(rows), options
    ).with_columns(number=number(options.decimal))
    if options.null_values:
        parsed = with_null_values(parsed, options)
    validated = parsed.with_columns(rule=pl.coalesce(numbers))
    valid = validated.filter(pl.col("rule").is_null())
    readings = valid.filter(~pl.col(NULL_VALUE)) if options.null_values else valid
    rejected = _with_codes(validated.filter(pl.col("rule").is_not_null()), rules)
    line_columns = (LINE_NUMBER, TEXT, *([SENSOR] if SENSOR in rows.columns else []))
    if options.on_conflict is not OnConflict.ERROR:
        line_columns = ()
    return ValidatedBatch(
        readings.select(*line_columns, equipment_id=EQUIPMENT_ID, ts="ts", value="number"),
        rejected.select(
            LINE_NUMBER, "code", column=SENSOR if SENSOR in rows.columns else "column", row=TEXT
        ),
        warnings_of_valid(readings, ids_are_plain=ids_are_plain),
        warnings_of_rejected(rejected, options.decimal),
        skipped=valid.height - readings.height,
    )


def _with_codes(rejected: pl.DataFrame, rules: Sequence[RejectRule]) -> pl.DataFrame:
    codes = dict(enumerate(str(rule.code) for rule in rules))
    columns = dict(enumerate(rule.column for rule in rules))
    return rejected.with_columns(
        code=pl.col("rule").replace_strict(codes, return_dtype=pl.String),
        column=pl.col("rule").replace_strict(columns, return_dtype=pl.String),
    )
