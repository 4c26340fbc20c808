"""Where the table of a text file begins: delimiter, header, first row, and what stands around."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from core.imports import MAX_COLUMNS, TIMESTAMP, Delimiter, HeaderMode, ImportOptions
from jobs.csv_import.detection.cells import is_time_like
from jobs.csv_import.detection.names import looks_like
from jobs.csv_import.layout import split_line

COMMENT_PREFIXES = ("#", "//", "%")
MIN_WIDTH = 2


class Line(NamedTuple):
    """A line of the file, by its number from 1."""

    number: int
    text: str


class Row(NamedTuple):
    """The cells of a line."""

    number: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file, all as wide as `names`.

    `names` are those in the line `header`, which is 0 if no line names the columns: then they are
    their positions, from 1.
    """

    delimiter: Delimiter
    comment_prefix: str | None
    names: list[str]
    header: int
    rows: list[Row]

    def cells(self, position: int) -> list[str]:
        """The cells of a column."""
        return [row.cells[position] for row in self.rows]


def find_table(lines: Sequence[Line], options: ImportOptions) -> Table | None:
    """The table in the first lines of a file, where the options do not say how it is written.

    None: no line looks like a row, since none has a timestamp.
    """
    delimiters = [options.delimiter] if options.delimiter else list(Delimiter)
    attempts = product(_comment_prefixes(lines, options), delimiters)
    tables = [_table(lines, prefix, mark, options) for prefix, mark in attempts]
    return max(filter(None, tables), key=_agreement, default=None)


def _agreement(table: Table) -> tuple[int, int]:
    """How many lines a delimiter splits alike, and into how many cells."""
    return len(table.rows) + (table.header > 0), len(table.names)


def _comment_prefixes(lines: Sequence[Line], options: ImportOptions) -> list[str | None]:
    """What may begin comments; the header may be a line that looks like one."""
    if options.comment_prefix:
        return [options.comment_prefix]
    texts = [line.text.lstrip() for line in lines]
    used = [prefix for prefix in COMMENT_PREFIXES if any(text.startswith(prefix) for text in texts)]
    return [*used, None]


def _table(
    lines: Sequence[Line], prefix: str | None, delimiter: Delimiter, options: ImportOptions
) -> Table | None:
    split = [
        Row(number, split_line(text, delimiter))
        for number, text in lines[options.skip_lines :]
        if _is_content(text, prefix)
    ]
    rows = _rows(split)
    if not rows:
        return None
    above = [row for row in split if row.number < rows[0].number]
    header = None if options.header is HeaderMode.NONE else _header(above, rows)
    if header is None:
        names = [str(position) for position in range(1, len(rows[0].cells) + 1)]
        return Table(delimiter, prefix, names, 0, rows)
    width = len(header.cells)
    narrowed = [Row(row.number, row.cells[:width]) for row in rows]
    return Table(delimiter, prefix, header.cells, header.number, narrowed)


def _is_content(text: str, prefix: str | None) -> bool:
    bare = text.strip()
    return bool(bare) and not (prefix and bare.startswith(prefix))


def _rows(split: Sequence[Row]) -> list[Row]:
    """The lines of the usual width from the first one with a timestamp on."""
    dated = [row for row in split if any(map(is_time_like, row.cells))]
    widths = Counter(len(row.cells) for row in dated)
    width = max(widths, key=lambda width: (widths[width], width), default=0)
    if not MIN_WIDTH <= width <= MAX_COLUMNS:
        return []
    first = next(row.number for row in dated if len(row.cells) == width)
    return [row for row in split if row.number >= first and len(row.cells) == width]


def _header(above: Sequence[Row], rows: Sequence[Row]) -> Row | None:
    """The line above the rows that is likeliest to name their columns."""
    width = len(rows[0].cells)
    # A delimiter at the end of every row alone begins no column.
    trailing = all(row.cells[-1] == "" for row in rows)
    widths = (width, width - 1) if trailing else (width,)
    candidates = [row for row in above if len(row.cells) in widths and any(row.cells)]
    return max(candidates, key=lambda row: _likeness(row.cells), default=None)


def _likeness(cells: Sequence[str]) -> tuple[bool, int]:
    """Whether a cell may name the timestamp's column, and how many cells are distinct names."""
    return any(looks_like(TIMESTAMP, cell) for cell in cells), len({*cells} - {""})
