"""The rows of a CSV file."""

from collections.abc import Iterator
from pathlib import Path

from core.imports import ImportOptions
from jobs.csv_import.field_splitting import split
from jobs.csv_import.header import Layout, read_header
from jobs.csv_import.numbered_lines import LINE_NUMBER, TEXT, numbered_batches
from jobs.csv_import.row_batches import Rows, RowSource

HEADER_LINES = 1


def open_csv(path: Path, options: ImportOptions, lines_done: int, batch_lines: int) -> RowSource:
    """The rows after the first `lines_done` lines. Raises what `read_header` does."""
    layout = read_header(path, options)
    rows = _rows(path, layout, max(lines_done, HEADER_LINES), batch_lines)
    return RowSource(layout.names, options, layout, rows)


def _rows(path: Path, layout: Layout, lines_done: int, batch_lines: int) -> Iterator[Rows]:
    for lines in numbered_batches(path, lines_done, batch_lines):
        numbers = lines[LINE_NUMBER]
        size_bytes = int(lines[TEXT].str.len_bytes().sum()) + lines.height
        yield Rows(numbers[0], numbers[-1], size_bytes, split(lines, layout))
