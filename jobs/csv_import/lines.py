"""The physical lines of a file, exact and numbered, in batches of a fixed number."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

LINE_NUMBER = "line"
TEXT = "row"


def numbered_batches(path: Path, lines_done: int, batch_lines: int) -> Iterator[pl.DataFrame]:
    """The lines after the first `lines_done`, as columns `line` (1 for the first) and `row`.

    A line is its text without its line end; bytes that are not UTF-8 become U+FFFD; an empty line
    is null.
    """
    waiting = pl.DataFrame(schema={LINE_NUMBER: pl.Int64, TEXT: pl.String})
    for frame in _numbered_frames(path):
        waiting = pl.concat([waiting, frame.filter(pl.col(LINE_NUMBER) > lines_done)])
        while waiting.height >= batch_lines:
            yield waiting[:batch_lines]
            waiting = waiting[batch_lines:]
    if waiting.height:
        yield waiting


def _numbered_frames(path: Path) -> Iterator[pl.DataFrame]:
    # A line cannot contain the line end, so as the separator it leaves every line in one piece.
    scan = pl.scan_csv(
        path,
        has_header=False,
        separator="\n",
        eol_char="\n",
        quote_char=None,
        encoding="utf8-lossy",
        schema={TEXT: pl.String},
        glob=False,
        raise_if_empty=False,
    )
    lines_before = 0
    for frame in scan.collect_batches(maintain_order=True):
        yield frame.with_row_index(LINE_NUMBER, offset=lines_before + 1).cast(
            {LINE_NUMBER: pl.Int64}
        )
        lines_before += frame.height
