from collections.abc import Iterator
from pathlib import Path

from core.imports import ImportOptions
from jobs.csv_import.field_splitting import split_fields
from jobs.csv_import.header import Layout, read_header
from jobs.csv_import.numbered_lines import LINE_NUMBER, TEXT, numbered_line_batches
from jobs.csv_import.row_batches import RowBatch, RowSource

HEADER_LINES = 1


def open_csv(path: Path, options: ImportOptions, lines_done: int, batch_lines: int) -> RowSource:
    """The rows after the first `lines_done` lines. Raises what `read_header` does."""
    layout = read_header(path, options)
    batches = _row_batches(path, layout, max(lines_done, HEADER_LINES), batch_lines)
    return RowSource(layout.names, options, layout, batches)


def _row_batches(
    path: Path, layout: Layout, lines_done: int, batch_lines: int
) -> Iterator[RowBatch]:
    for lines in numbered_line_batches(path, lines_done, batch_lines):
        numbers = lines[LINE_NUMBER]
        yield RowBatch(
            first_line=numbers[0],
            last_line=numbers[-1],
            size_bytes=int(lines[TEXT].str.len_bytes().sum()) + lines.height,
            frame=split_fields(lines, layout),
        )
