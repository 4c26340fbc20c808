"""The first lines of a file, read and validated by the code that imports."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from core.imports import COLUMNS, TIMESTAMP, UTC_ZONE, ImportOptions
from core.readings import RejectCode, TimeBounds
from jobs.csv_import.csv_file import open_csv
from jobs.csv_import.numbered_lines import LINE_NUMBER, TEXT
from jobs.csv_import.row_batches import RowSource
from jobs.csv_import.timestamps import OFFSET, UNITS
from jobs.csv_import.validation import ValidatedBatch, validate
from jobs.errors import FileFaultError

ALL_LINES = 100_000
NO_ROWS = pl.DataFrame(schema={LINE_NUMBER: pl.Int64, **dict.fromkeys((TEXT, *COLUMNS), pl.String)})


@dataclass(frozen=True, slots=True)
class Trial:
    """What the lines are with the options of `source`; `rows` as they are written."""

    source: RowSource
    rows: pl.DataFrame
    batch: ValidatedBatch

    @classmethod
    def of(cls, source: RowSource, frames: list[pl.DataFrame], bounds: TimeBounds) -> "Trial":
        """The trial of the rows in the frames."""
        rows = pl.concat(frames) if frames else NO_ROWS
        return cls(source, rows, validate(rows, source.options, bounds))

    @property
    def timestamps(self) -> pl.Series:
        """The timestamps as they are written, without what is none."""
        bad = self.batch.rejects.filter(pl.col("code") == RejectCode.BAD_TIMESTAMP)
        timestamps = self.rows.join(bad, on=LINE_NUMBER, how="anti")[TIMESTAMP]
        return timestamps.str.strip_chars().replace("", None).drop_nulls()

    @property
    def assumes_utc(self) -> bool:
        """Whether timestamps without offset are read as UTC only because nothing is said."""
        options = self.source.options
        if options.time_format in UNITS or options.time_zone != UTC_ZONE:
            return False
        if options.pattern:
            return not options.pattern.tells_offset
        return not self.timestamps.str.contains(OFFSET).all()

    @property
    def accepted(self) -> int:
        """How many rows are not rejected."""
        return self.batch.rows_read - self.batch.rejects.height

    def is_like(self, other: "Trial") -> bool:
        """Whether both have the same readings and the same rejects."""
        mine, others = self.batch, other.batch
        return mine.readings.equals(others.readings) and mine.rejects.equals(others.rejects)


def try_options(path: Path, options: ImportOptions, bounds: TimeBounds) -> Trial:
    """The trial. Raises FileFaultError if the file cannot be read so."""
    source = open_csv(path, options, 0, ALL_LINES)
    return Trial.of(source, [rows.frame for rows in source.batches], bounds)


def accepted_trial(path: Path, options: ImportOptions, bounds: TimeBounds) -> Trial | None:
    """The trial, if with the options the file can be read and some row is accepted."""
    try:
        trial = try_options(path, options, bounds)
    except FileFaultError:
        return None
    return trial if trial.accepted else None
