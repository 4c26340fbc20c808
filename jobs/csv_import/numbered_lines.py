"""The physical lines of a file with their numbers, in batches bounded by number and size."""

from collections.abc import Iterator
from mmap import ACCESS_READ, mmap
from pathlib import Path

import polars as pl

from core.imports import ImportFault
from jobs.errors import FileFaultError

LINE_NUMBER = "line"
TEXT = "row"

MAX_BATCH_BYTES = 24 * 2**20

# Reading a line takes seven times its size. One of readings has some hundred bytes.
MAX_LINE_BYTES = 16 * 2**20


def require_short_lines(path: Path) -> None:
    """Raise FileFaultError `line_too_long` if a line has more than MAX_LINE_BYTES.

    Reads next to nothing of the file: it looks for the last line end of each 16 MiB.
    """
    size, start = path.stat().st_size, 0
    if size <= MAX_LINE_BYTES:
        return
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        while size - start > MAX_LINE_BYTES:
            next_start = content.rfind(b"\n", start, start + MAX_LINE_BYTES + 1) + 1
            if not next_start:
                raise _line_too_long(start)
            start = next_start


def _line_too_long(start: int) -> FileFaultError:
    return FileFaultError(
        ImportFault.LINE_TOO_LONG,
        f"The line that begins at byte {start} has more than {MAX_LINE_BYTES} bytes. Nothing of "
        "the file was stored. End each row with a line end.",
    )


def numbered_line_batches(path: Path, lines_done: int, batch_lines: int) -> Iterator[pl.DataFrame]:
    """The lines after the first `lines_done`, as columns `line` (1 for the first) and `row`.

    A row is the line's text without its line end; bytes that are not UTF-8 become U+FFFD; an empty
    line is null. A batch has `batch_lines` lines, or fewer, at least one, when they are very long.
    """
    buffered = pl.DataFrame(schema={LINE_NUMBER: pl.Int64, TEXT: pl.String})
    for frame in _numbered_frames(path):
        buffered = pl.concat([buffered, frame.filter(pl.col(LINE_NUMBER) > lines_done)])
        while height := _full_batch_height(buffered, batch_lines):
            yield buffered[:height]
            buffered = buffered[height:]
    if buffered.height:
        yield buffered


def _full_batch_height(buffered: pl.DataFrame, batch_lines: int) -> int:
    """How many of the lines fill the next batch; 0 when more are needed."""
    sizes = buffered[:batch_lines].select(pl.col(TEXT).str.len_bytes().fill_null(0).cum_sum())
    fitting = sizes.filter(pl.col(TEXT) <= MAX_BATCH_BYTES).height
    if fitting < sizes.height:
        return max(fitting, 1)
    return fitting if fitting == batch_lines else 0


def _numbered_frames(path: Path) -> Iterator[pl.DataFrame]:
    # The line end as the separator leaves every line in one field: no line can contain it.
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
