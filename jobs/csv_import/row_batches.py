"""What every file format is read into, before validation."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from core.imports import ImportOptions
from jobs.csv_import.layout import Layout


@dataclass(frozen=True, slots=True, kw_only=True)
class RowBatch:
    """The rows among the lines from `first_line` to `last_line`.

    `frame` has `line`, `row`, the text as it stands in the file, and as text each of COLUMNS; null
    in these means that the row does not split into the file's columns. `size_bytes` is the
    approximate size of the lines in the file.
    """

    first_line: int
    last_line: int
    size_bytes: int
    frame: pl.DataFrame


@dataclass(frozen=True, slots=True)
class RowSource:
    """An open file: the batches that are left to read, and the options to validate them with.

    `columns` are the file's own names for COLUMNS, `layout` is how the text of a row splits.
    """

    columns: Mapping[str, str]
    options: ImportOptions
    layout: Layout
    batches: Iterator[RowBatch]
