"""The header of a CSV file: delimiter and columns are detected, or the file is refused."""

import codecs
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.imports import (
    COLUMNS,
    EQUIPMENT_ID,
    TIMESTAMP,
    VALUE,
    Delimiter,
    ImportFault,
    ImportOptions,
)
from jobs.errors import FileFaultError

# The names a column may have if the options give none, in upper or lower case.
COLUMN_ALIASES = {
    EQUIPMENT_ID: ("equipmentId", "equipment_id", "sensor", "device"),
    TIMESTAMP: ("timestamp", "time", "ts"),
    VALUE: ("value", "reading"),
}

HEAD_BYTES = 2**16
MAX_COLUMNS = 100
QUOTED_CHARACTERS = 80
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Layout:
    """How a line splits: into `width` fields, among which each of COLUMNS has its position.

    `names` are the file's own, for COLUMNS.
    """

    delimiter: str
    width: int
    positions: Mapping[str, int]
    names: Mapping[str, str] = field(default_factory=dict, compare=False)


def field_pattern(delimiter: str) -> str:
    """Matches a quoted field, with quotes inside doubled, or one without any quote."""
    return f'"(?:[^"]|"")*"|[^"{delimiter}]*'


def read_header(path: Path, options: ImportOptions) -> Layout:
    """The layout of the file's lines.

    Raises FileFaultError: `empty_file`, `not_text`, `missing_header` or `ambiguous_header`.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES).removeprefix(BYTE_ORDER_MARK)
    if not head.strip():
        raise _empty_file()
    first_line = head.split(b"\n", 1)[0].decode(errors="replace")
    for delimiter in [options.delimiter] if options.delimiter else Delimiter:
        names = _split_header(first_line, delimiter)
        positions = match_columns(names, options)
        if positions is not None and len(names) <= MAX_COLUMNS:
            matched = {column: names[position] for column, position in positions.items()}
            return Layout(delimiter, len(names), positions, matched)
    raise _missing_header(first_line, options) if _is_text(head) else _not_text()


def match_columns(names: Sequence[str], options: ImportOptions) -> dict[str, int] | None:
    """The position of each of COLUMNS among the names of a file's columns; None: one is missing.

    Raises FileFaultError: `ambiguous_header`.
    """
    matches = {column: _positions(names, column, options.columns) for column in COLUMNS}
    return _require_single(matches, names) if all(matches.values()) else None


def _split_header(line: str, delimiter: str) -> list[str]:
    fields = re.findall(f"(?:^|{delimiter})({field_pattern(delimiter)})", line)
    return [_unquoted(field.strip()) for field in fields]


def _unquoted(field: str) -> str:
    return field.removeprefix('"').removesuffix('"').replace('""', '"').strip()


def _positions(names: Sequence[str], column: str, mapped: Mapping[str, str]) -> list[int]:
    """The positions of all names that may be the column."""
    if column in mapped:
        return [n for n, name in enumerate(names) if name == mapped[column]]
    aliases = {alias.casefold() for alias in COLUMN_ALIASES[column]}
    return [
        n
        for n, name in enumerate(names)
        if name.casefold() in aliases and name not in mapped.values()
    ]


def _require_single(matches: Mapping[str, list[int]], names: Sequence[str]) -> dict[str, int]:
    for column, positions in matches.items():
        if len(positions) > 1:
            raise _ambiguous_header(column, [names[position] for position in positions])
    return {column: positions[0] for column, positions in matches.items()}


def _is_text(head: bytes) -> bool:
    cut = len(head) >= HEAD_BYTES - len(BYTE_ORDER_MARK)  # possibly inside a character
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=not cut)
    except UnicodeDecodeError:
        return False
    return b"\0" not in head


def _empty_file() -> FileFaultError:
    return FileFaultError(
        ImportFault.EMPTY_FILE,
        "The file is empty. Nothing was stored. Check that it was written completely.",
    )


def _not_text() -> FileFaultError:
    return FileFaultError(
        ImportFault.NOT_TEXT,
        "The file is not UTF-8 text. Nothing of it was stored. Save it as CSV in UTF-8; a "
        "compressed file must be named .csv.gz or .csv.zst.",
    )


def _missing_header(first_line: str, options: ImportOptions) -> FileFaultError:
    wanted = _listed(options.columns.get(column, column) for column in COLUMNS)
    excerpt = first_line.strip()[:QUOTED_CHARACTERS]
    return FileFaultError(
        ImportFault.MISSING_HEADER,
        f"The first line must name the columns {wanted}, in any order, separated by "
        f"{_delimiters(options.delimiter)}; it is {excerpt!r}. Nothing of the file was stored. "
        "Add that line, or give the file's own names in the option columns.",
    )


def _ambiguous_header(column: str, names: Iterable[str]) -> FileFaultError:
    return FileFaultError(
        ImportFault.AMBIGUOUS_HEADER,
        f"More than one column may be {column}: {_listed(names)}. Nothing of the file was stored. "
        "Say which one with the option columns, or name no two alike.",
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(name[:QUOTED_CHARACTERS] for name in names)


def _delimiters(delimiter: Delimiter | None) -> str:
    match delimiter:
        case None:
            return "commas, semicolons or tabs"
        case Delimiter.COMMA:
            return "commas"
        case Delimiter.SEMICOLON:
            return "semicolons"
        case Delimiter.TAB:
            return "tabs"
