"""What becomes of the rows of a sample: of the first each by itself, of the others by code."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import polars as pl
from msgspec.structs import replace

from core.import_previews import Outcome, PreviewCounts, PreviewedRejects, RowOutcome
from core.readings import OnConflict, RejectCode, TimeBounds
from core.row_warnings import MAX_LINES
from jobs.csv_import.detection.trial import Trial
from jobs.csv_import.numbered_lines import LINE_NUMBER, TEXT
from jobs.csv_import.reject_reasons import NO_HINT, Hint, reasons_of
from jobs.csv_import.row_batches import RowSource
from jobs.csv_import.validation import ValidatedBatch, validate
from jobs.csv_import.wide_cells import SENSOR

MAX_CELLS = 100  # of a line
MAX_EXAMPLE_CHARACTERS = 300

Place = tuple[int, str]  # a line, and of a wide file the column of the cell


def counts_of(batch: ValidatedBatch) -> PreviewCounts:
    """How many rows there are of each outcome."""
    return PreviewCounts(
        batch.rows_read, batch.readings.height, batch.skipped, batch.rejects.height
    )


def accepted(equipment_id: str, ts: datetime, value: float, column: str = "") -> RowOutcome:
    """The outcome of a row that is a reading."""
    return RowOutcome(
        outcome=Outcome.READING,
        column=column,
        equipment_id=equipment_id,
        timestamp=ts,
        value=value,
    )


def outcomes_by_line(
    trial: Trial, max_lines: int, bounds: TimeBounds
) -> dict[int, list[RowOutcome]]:
    """The outcomes of the first lines that have rows; of a wide file those of its first cells."""
    lines = trial.rows[LINE_NUMBER].unique(maintain_order=True).head(max_lines)
    rows = trial.rows.filter(pl.col(LINE_NUMBER).is_in(lines.implode()))
    rows = rows.filter(pl.int_range(pl.len()).over(LINE_NUMBER) < MAX_CELLS)
    # Where conflicts are errors, readings have their lines.
    options = replace(trial.source.options, on_conflict=OnConflict.ERROR)
    known = dict(_known(validate(rows, options, bounds), trial.source))
    outcomes: dict[int, list[RowOutcome]] = {line: [] for line in lines}
    for line, column in _places(rows):
        skipped = RowOutcome(outcome=Outcome.SKIPPED, column=column)
        outcomes[line].append(known.get((line, column), skipped))
    return outcomes


def _known(batch: ValidatedBatch, source: RowSource) -> Iterator[tuple[Place, RowOutcome]]:
    """The outcome of each reading and each reject."""
    is_wide = source.options.is_wide
    for row in batch.readings.iter_rows(named=True):
        column = row.get(SENSOR, "")
        yield (
            (row[LINE_NUMBER], column),
            accepted(row["equipment_id"], row["ts"], row["value"], column),
        )
    hints = _hints(batch.rejects, source)
    for line, code, column, _ in batch.rejects.rows():
        hint = hints.get((line, column), NO_HINT)
        yield (
            (line, column if is_wide else ""),
            RowOutcome(
                outcome=Outcome.REJECTED,
                column=column,
                code=RejectCode(code),
                hint=hint.text,
                remedies=list(hint.remedies),
            ),
        )


def _places(rows: pl.DataFrame) -> list[Any]:
    column = SENSOR if SENSOR in rows.columns else pl.lit("").alias(SENSOR)
    return rows.select(LINE_NUMBER, column).rows()


def rejects_by_code(trial: Trial) -> list[PreviewedRejects]:
    """The rejects of the sample, those of the code that most have first."""
    rejects = trial.batch.rejects
    keys = ["code"] if trial.source.options.is_wide else ["code", "column"]
    groups = rejects.group_by(keys, maintain_order=True)
    first = groups.first().select(rejects.columns)
    counted = groups.agg(
        count=pl.len(), lines=pl.col(LINE_NUMBER).unique(maintain_order=True).head(MAX_LINES)
    )
    hints = _hints(first, trial.source)
    found = [
        _rejects(group, text, hints.get((line, column), NO_HINT))
        for group, (line, _, column, text) in zip(
            counted.rows(named=True), first.rows(), strict=True
        )
    ]
    return sorted(found, key=lambda rejects: -rejects.count)


def _rejects(group: dict[str, Any], example: str, hint: Hint) -> PreviewedRejects:
    return PreviewedRejects(
        RejectCode(group["code"]),
        group.get("column", ""),
        group["count"],
        group["lines"],
        example[:MAX_EXAMPLE_CHARACTERS],
        hint.text,
        list(hint.remedies),
    )


def _hints(rejects: pl.DataFrame, source: RowSource) -> dict[Place, Hint]:
    """The hint for each reject, by its line and column."""
    reasons = reasons_of(rejects.select(LINE_NUMBER, "code", "column", TEXT), source)
    return {(reason.line, reason.column): reason.hint for reason in reasons}
