"""The first lines of a file, read and validated by the code that imports."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from core.imports import TIMESTAMP, ImportOptions
from core.readings import TimeBounds
from jobs.csv_import.csv_file import open_csv
from jobs.csv_import.row_batches import RowSource
from jobs.csv_import.validation import ValidatedBatch, validate
from jobs.errors import FileFaultError

ALL_LINES = 100_000


@dataclass(frozen=True, slots=True)
class Trial:
    """What the lines are with the options of `source`; `timestamps` as they are written."""

    source: RowSource
    batch: ValidatedBatch
    timestamps: pl.Series

    @property
    def accepted(self) -> int:
        """How many rows are not rejected."""
        return self.batch.rows_read - self.batch.rejects.height

    def is_like(self, other: "Trial") -> bool:
        """Whether both have the same readings and the same rejects."""
        mine, others = self.batch, other.batch
        return mine.readings.equals(others.readings) and mine.rejects.equals(others.rejects)


def try_options(path: Path, options: ImportOptions, bounds: TimeBounds) -> Trial | None:
    """The trial; None: the file cannot be read so."""
    try:
        source = open_csv(path, options, 0, ALL_LINES)
        frames = [rows.frame for rows in source.batches]
    except FileFaultError:
        return None
    if not frames:
        return None
    rows = pl.concat(frames)
    timestamps = rows[TIMESTAMP].drop_nulls().str.strip_chars()
    return Trial(source, validate(rows, source.options, bounds), timestamps)
