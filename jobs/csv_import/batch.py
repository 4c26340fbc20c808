"""A batch of lines, judged and ready to be written."""

from dataclasses import dataclass

import polars as pl

from jobs.csv_import.staging import StagedBatch


@dataclass(frozen=True, slots=True)
class Batch:
    """What the lines from `first_line` to `last_line` come to; `rejects` as in JudgedBatch.

    `rows_read` and `rows_rejected` are what it adds to the account.
    `numbered` are the readings with line and row, where a conflict is to be told by its line.
    """

    first_line: int
    last_line: int
    size_bytes: int
    rows_read: int
    rows_rejected: int
    rejects: pl.DataFrame
    staged: StagedBatch
    numbered: pl.DataFrame | None = None
