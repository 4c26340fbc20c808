"""What every kind of file comes to before it is judged."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from core.imports import ImportOptions
from jobs.csv_import.header import Layout


@dataclass(frozen=True, slots=True)
class Rows:
    """A batch: the rows among the lines from the first to the last.

    `frame` has `line`, `row`, the text as it stands in the file, and as text each of COLUMNS; null
    in these means that the row does not divide into columns. `size_bytes` is how much of the file
    they take, about.
    """

    first_line: int
    last_line: int
    size_bytes: int
    frame: pl.DataFrame


@dataclass(frozen=True, slots=True)
class RowSource:
    """The batches of a file that are left to read, and the options by which to judge them.

    `columns` are the file's own names for COLUMNS, `layout` is how the text of a row divides.
    """

    columns: Mapping[str, str]
    options: ImportOptions
    layout: Layout
    batches: Iterator[Rows]
