from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from core.row_warnings import RowWarning
from jobs.csv_import.staging import StagedBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The lines from `first_line` to `last_line`, validated and staged, ready to be written.

    `rows_read`, `rows_skipped` and `rows_rejected` are what the batch adds to the import's counts;
    the last is negative where corrected rows are loaded. `rejects` has line, code, column and row.
    `numbered_readings` has the readings with line and row, where a conflict is to be reported by
    its line, else it is None. `warnings` are those of the whole import up to this batch.
    """

    first_line: int
    last_line: int
    size_bytes: int
    rows_read: int
    rows_rejected: int
    rejects: pl.DataFrame
    staged: StagedBatch
    warnings: Sequence[RowWarning]
    numbered_readings: pl.DataFrame | None = None
    rows_skipped: int = 0
