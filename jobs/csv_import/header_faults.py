"""Why the columns of a file are not known, in words that name the option that fits."""

import re
from collections.abc import Sequence

from core.imports import COLUMNS, Delimiter, Encoding, ImportFault, ImportOptions, Remedy
from jobs.csv_import.head import HEAD_LINES, Head, HeadLine
from jobs.csv_import.layout import QUOTED_CHARACTERS, listed, match_columns, split_line
from jobs.errors import FileFaultError

NOTHING_STORED = "Nothing of the file was stored."
DELIMITER_NAMES = {
    Delimiter.COMMA: "commas",
    Delimiter.SEMICOLON: "semicolons",
    Delimiter.TAB: "tabs",
    Delimiter.PIPE: "pipes",
}
KINDS = {
    b"\x1f\x8b": "a .csv.gz",
    b"\x28\xb5\x2f\xfd": "a .csv.zst",
    b"PK\x03\x04": "a .zip or .xlsx",
    b"PAR1": "a .parquet",
}
COMMENT = re.compile(r"\s*(#|//|%|!|--|\*)")
NUMBER_OR_DATE = re.compile(r"[+-]?[0-9][0-9.,:/ TZ+-]*")


def empty_file(options: ImportOptions) -> FileFaultError:
    """The error for a file in which there is no line."""
    above = f" below line {options.skip_lines}" if options.skip_lines else ""
    comments = f" but comments ({options.comment_prefix})" if options.comment_prefix else ""
    what = f"has nothing{above}{comments}" if above or comments else "is empty"
    return FileFaultError(
        ImportFault.EMPTY_FILE,
        f"The file {what}. Nothing was stored. Check that it was written completely.",
    )


def not_text(head: Head) -> FileFaultError:
    """The error for a file that is no text in the encoding that was declared."""
    kind = next((name for start, name in KINDS.items() if head.content.startswith(start)), None)
    remedy = (
        f"It is {kind}: name it so."
        if kind
        else "If it is text of a Windows program, set encoding=windows-1252 (or utf-16), else save "
        "it as CSV in UTF-8; a compressed file must be named .csv.gz, .csv.zst or .zip."
    )
    others = [] if kind else [Encoding.WINDOWS_1252, Encoding.UTF_16]
    return FileFaultError(
        ImportFault.NOT_TEXT,
        f"The file is not UTF-8 text. Nothing of it was stored. {remedy}",
        [Remedy("encoding", encoding) for encoding in others],
    )


def missing_header(head: Head, options: ImportOptions) -> FileFaultError:
    """The error for a file of which no line names the columns."""
    names = options.column_names
    wanted = listed(names.get(column, column) for column in options.wanted_columns)
    first = head.lines[0]
    place = f"Line {first.number}" if options.skip_lines else f"One of the first {HEAD_LINES} lines"
    advice, remedies = _advice(first, options)
    return FileFaultError(
        ImportFault.MISSING_HEADER,
        f"{place} must name the columns {wanted}, in any order, separated by {_marks(head)}; "
        f"line {first.number} is {_excerpt(first)}. {NOTHING_STORED} {advice}"
        "Add that line, or give the file's own names in the option columns.",
        remedies,
    )


def missing_positions(head: Head, options: ImportOptions) -> FileFaultError:
    """The error for a file without header whose lines have too few fields, or may split in ways."""
    highest = max(map(int, options.column_names.values()))
    first = head.lines[0]
    return FileFaultError(
        ImportFault.MISSING_HEADER,
        f"With header=none most lines must have at least {highest} fields by one delimiter, "
        f"{_marks(head)}; line {first.number} is {_excerpt(first)}. {NOTHING_STORED} Set "
        "delimiter, or correct the numbers in columns.",
    )


def several_headers(numbers: Sequence[int], head: Head) -> FileFaultError:
    """The error for a file of which several lines may be the header."""
    first, above = numbers[0], head.lines[0]
    return FileFaultError(
        ImportFault.AMBIGUOUS_HEADER,
        f"The lines {', '.join(map(str, numbers))} all name the columns; line {above.number} is "
        f"{_excerpt(above)}. {NOTHING_STORED} Say with skipLines how many lines are above the "
        f"header: skipLines={first - 1} for the first of them.",
        [Remedy("skipLines", number - 1) for number in numbers],
    )


def row_above_header(row: HeadLine, header: HeadLine) -> FileFaultError:
    """The error for a file with what may be a row above the header."""
    return FileFaultError(
        ImportFault.AMBIGUOUS_HEADER,
        f"Line {header.number} names the columns, but line {row.number} above it has values in "
        f"them: {_excerpt(row)}. {NOTHING_STORED} If the lines above are no rows, set "
        f"skipLines={header.number - 1}.",
        [Remedy("skipLines", header.number - 1)],
    )


def _advice(first: HeadLine, options: ImportOptions) -> tuple[str, list[Remedy]]:
    """What fits the first line, if it can be told from it, and the option that does."""
    for mark in Delimiter:
        names = split_line(first.text, mark)
        if match_columns(names, options):
            text = f"It does with {DELIMITER_NAMES[mark]}: set delimiter={_written(mark)}. "
            return text, [Remedy("delimiter", mark)]
        if len(names) >= len(COLUMNS) and sum(map(_is_value, names)) > 1:
            return (
                "It looks like a row: without header set header=none and number the columns. ",
                [],
            )
    if comment := COMMENT.match(first.text):
        text = f"Comments are passed over with commentPrefix={comment[1]}. "
        return text, [Remedy("commentPrefix", comment[1])]
    if options.skip_lines:
        return f"skipLines={options.skip_lines} says that line {first.number} is the header. ", []
    return "If it is further below, say with skipLines how many lines are above it. ", []


def _is_value(field: str) -> bool:
    return NUMBER_OR_DATE.fullmatch(field) is not None


def _written(mark: Delimiter) -> str:
    return "tab" if mark is Delimiter.TAB else mark


def _excerpt(line: HeadLine) -> str:
    return repr(line.text.strip()[:QUOTED_CHARACTERS])


def _marks(head: Head) -> str:
    *others, last = (DELIMITER_NAMES[Delimiter(mark)] for mark in head.delimiters)
    return f"{', '.join(others)} or {last}" if others else last
