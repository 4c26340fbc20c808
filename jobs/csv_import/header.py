"""The first line of a file: which column is which, or why the file cannot be read at all."""

import codecs
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.imports import COLUMNS, EQUIPMENT_ID, TIMESTAMP, VALUE, Delimiter, ImportOptions
from jobs.errors import FileFaultError

# The names a column may have if the options give none; whether letters are large does not matter.
NAMES = {
    EQUIPMENT_ID: ("equipmentId", "equipment_id", "sensor", "device"),
    TIMESTAMP: ("timestamp", "time", "ts"),
    VALUE: ("value", "reading"),
}

HEAD_BYTES = 2**16
MAX_COLUMNS = 100
SHOWN_CHARACTERS = 80
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Layout:
    """How a line divides: into `width` fields, of which each of COLUMNS has its position.

    `names` are the file's own, for COLUMNS.
    """

    delimiter: str
    width: int
    positions: Mapping[str, int]
    names: Mapping[str, str] = field(default_factory=dict, compare=False)


def field_pattern(delimiter: str) -> str:
    """Matches a field in quotes, with quotes inside doubled, or one without any quote."""
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
        names = _fields(first_line, delimiter)
        positions = find_columns(names, options)
        if positions is not None and len(names) <= MAX_COLUMNS:
            found = {column: names[position] for column, position in positions.items()}
            return Layout(delimiter, len(names), positions, found)
    raise _missing_header(first_line, options) if _is_text(head) else _not_text()


def find_columns(names: Sequence[str], options: ImportOptions) -> dict[str, int] | None:
    """Where each of COLUMNS stands among the names of a file's columns; None: not all are there.

    Raises FileFaultError: `ambiguous_header`.
    """
    found = {column: _positions(names, column, options.columns) for column in COLUMNS}
    return _single(found, names) if all(found.values()) else None


def _fields(line: str, delimiter: str) -> list[str]:
    fields = re.findall(f"(?:^|{delimiter})({field_pattern(delimiter)})", line)
    return [_bare(field.strip()) for field in fields]


def _bare(field: str) -> str:
    return field.removeprefix('"').removesuffix('"').replace('""', '"').strip()


def _positions(names: Sequence[str], column: str, mapped: Mapping[str, str]) -> list[int]:
    """Where the column may stand."""
    if column in mapped:
        return [n for n, name in enumerate(names) if name == mapped[column]]
    known = {name.casefold() for name in NAMES[column]}
    return [
        n
        for n, name in enumerate(names)
        if name.casefold() in known and name not in mapped.values()
    ]


def _single(found: Mapping[str, list[int]], names: Sequence[str]) -> dict[str, int]:
    for column, positions in found.items():
        if len(positions) > 1:
            raise _ambiguous_header(column, [names[position] for position in positions])
    return {column: positions[0] for column, positions in found.items()}


def _is_text(head: bytes) -> bool:
    cut = len(head) >= HEAD_BYTES - len(BYTE_ORDER_MARK)  # perhaps in the middle of a character
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=not cut)
    except UnicodeDecodeError:
        return False
    return b"\0" not in head


def _empty_file() -> FileFaultError:
    return FileFaultError(
        "empty_file", "The file is empty. Nothing was stored. Check that it was written completely."
    )


def _not_text() -> FileFaultError:
    return FileFaultError(
        "not_text",
        "The file is not UTF-8 text. Nothing of it was stored. Save it as CSV in UTF-8; a "
        "compressed file must be named .csv.gz or .csv.zst.",
    )


def _missing_header(first_line: str, options: ImportOptions) -> FileFaultError:
    wanted = _listed(options.columns.get(column, column) for column in COLUMNS)
    shown = first_line.strip()[:SHOWN_CHARACTERS]
    return FileFaultError(
        "missing_header",
        f"The first line must name the columns {wanted}, in any order, separated by "
        f"{_told(options.delimiter)}; it is {shown!r}. Nothing of the file was stored. Add that "
        "line, or give the file's own names in the option columns.",
    )


def _ambiguous_header(column: str, names: Iterable[str]) -> FileFaultError:
    return FileFaultError(
        "ambiguous_header",
        f"More than one column may be {column}: {_listed(names)}. Nothing of the file was stored. "
        "Say which one with the option columns, or name no two alike.",
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(name[:SHOWN_CHARACTERS] for name in names)


def _told(delimiter: Delimiter | None) -> str:
    match delimiter:
        case None:
            return "commas, semicolons or tabs"
        case Delimiter.COMMA:
            return "commas"
        case Delimiter.SEMICOLON:
            return "semicolons"
        case Delimiter.TAB:
            return "tabs"
