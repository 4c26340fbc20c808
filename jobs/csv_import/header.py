"""The header of a text file: delimiter and columns are detected, or the file is refused."""

import codecs
from collections import Counter
from itertools import takewhile
from pathlib import Path

from core.imports import MAX_COLUMNS, HeaderMode, ImportOptions
from jobs.csv_import.head import Head, HeadLine, is_cut, read_head
from jobs.csv_import.header_faults import (
    empty_file,
    missing_header,
    missing_positions,
    not_text,
    row_above_header,
    several_headers,
)
from jobs.csv_import.layout import Layout, match_columns, split_line
from jobs.csv_import.wide_columns import find_sensors


def read_header(path: Path, options: ImportOptions) -> Layout:
    """The layout of the file's lines.

    Raises FileFaultError: `empty_file`, `not_text`, `missing_header`, `ambiguous_header` or
    `invalid_column`.
    """
    head = read_head(path, options)
    if not head.lines:
        raise empty_file(options)
    if options.header is HeaderMode.NONE:
        layout, fault = _by_position(head, options), missing_positions
    else:
        layout, fault = _by_header(head, options), missing_header
    if layout is None:
        raise fault(head, options) if _is_text(head.content) else not_text(head)
    return layout


def _by_header(head: Head, options: ImportOptions) -> Layout | None:
    """By the first line, or by the only other one that names the columns; None: there is none."""
    first, *others = head.lines
    layout = _named_by(first, head, options)
    if layout or options.skip_lines:
        return layout
    found = [(line, layout) for line in others if (layout := _named_by(line, head, options))]
    if len(found) > 1:
        raise several_headers([line.number for line, _ in found], head)
    for line, layout in found:
        _require_no_row_above(line, layout, head)
        return layout
    return None


def _named_by(line: HeadLine, head: Head, options: ImportOptions) -> Layout | None:
    """The layout, if the line names the columns."""
    for delimiter in head.delimiters:
        names = split_line(line.text, delimiter)
        positions = match_columns(names, options)
        if positions is None or not (options.is_wide or len(names) <= MAX_COLUMNS):
            continue
        sensors = find_sensors(names, positions, options) if options.is_wide else ()
        if sensors or not options.is_wide:
            matched = {column: names[position] for column, position in positions.items()}
            lines_above = line.number + options.skip_lines_after_header
            return Layout(delimiter, len(names), positions, matched, lines_above, sensors)
    return None


def _require_no_row_above(header: HeadLine, layout: Layout, head: Head) -> None:
    """Raise FileFaultError if a line above the header may be a row: it would be lost."""
    for line in takewhile(lambda line: line != header, head.lines):
        fields = split_line(line.text, layout.delimiter)
        fits = len(fields) == layout.width
        if fits and all(fields[position] for position in layout.positions.values()):
            raise row_above_header(line, header)


def _by_position(head: Head, options: ImportOptions) -> Layout | None:
    """By the numbers of the columns; None: not one delimiter alone makes so many fields."""
    names = options.column_names
    positions = {column: int(names[column]) - 1 for column in options.wanted_columns}
    widths = {mark: _usual_width(head, mark) for mark in head.delimiters}
    fitting = [mark for mark, width in widths.items() if max(positions.values()) < width]
    if len(fitting) != 1:
        return None
    lines_above = head.lines[0].number - 1
    return Layout(fitting[0], widths[fitting[0]], positions, names, lines_above)


def _usual_width(head: Head, delimiter: str) -> int:
    """The number of fields that most lines have."""
    widths = Counter(len(split_line(line.text, delimiter)) for line in head.lines)
    return widths.most_common(1)[0][0]


def _is_text(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=not is_cut(head))
    except UnicodeDecodeError:
        return False
    return b"\0" not in head
