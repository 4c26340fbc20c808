from collections.abc import Iterator
from pathlib import Path

import polars as pl
from msgspec.structs import replace

from core.imports import ImportOptions
from jobs.csv_import.field_splitting import split_fields
from jobs.csv_import.header import read_header
from jobs.csv_import.layout import Layout
from jobs.csv_import.numbered_lines import (
    LINE_NUMBER,
    TEXT,
    numbered_line_batches,
    require_short_lines,
)
from jobs.csv_import.row_batches import RowBatch, RowSource
from jobs.csv_import.wide_cells import split_cells


def open_csv(path: Path, options: ImportOptions, lines_done: int, batch_lines: int) -> RowSource:
    """The rows after the first `lines_done` lines.

    Raises what `read_header` and `require_short_lines` do.
    """
    require_short_lines(path)
    layout = read_header(path, options)
    if layout.sensors:
        batch_lines = max(batch_lines // len(layout.sensors), 1)  # a batch is bounded by its cells
        options = replace(options, null_values=[*options.null_values, ""])
    batches = _row_batches(
        path, layout, options.comment_prefix, max(lines_done, layout.lines_above), batch_lines
    )
    return RowSource(layout.names, options, layout, batches)


def _row_batches(
    path: Path, layout: Layout, comment_prefix: str | None, lines_done: int, batch_lines: int
) -> Iterator[RowBatch]:
    split = split_cells if layout.sensors else split_fields
    for lines in numbered_line_batches(path, lines_done, batch_lines):
        numbers = lines[LINE_NUMBER]
        yield RowBatch(
            first_line=numbers[0],
            last_line=numbers[-1],
            size_bytes=int(lines[TEXT].str.len_bytes().sum()) + lines.height,
            frame=split(_without_comments(lines, comment_prefix), layout),
        )


def _without_comments(lines: pl.DataFrame, prefix: str | None) -> pl.DataFrame:
    if prefix is None:
        return lines
    is_comment = pl.col(TEXT).str.strip_chars_start().str.starts_with(prefix)
    return lines.filter(~is_comment.fill_null(value=False))
