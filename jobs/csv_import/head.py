"""The first lines of a file, among which its header is looked for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core.imports import Delimiter, ImportOptions

HEAD_BYTES = 2**20  # a line of MAX_WIDE_COLUMNS names
HEAD_LINES = 50
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

# Excel's own convention: what separates fields is said in a line above the header.
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HeadLine:
    """A line that is neither blank nor a comment; `number` is 1 for the first of the file."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Head:
    """The `lines` that may be a header or rows, and what may separate their fields.

    `content` is what was read, of which the last line may be cut.
    """

    lines: Sequence[HeadLine]
    delimiters: Sequence[str]
    content: bytes


def read_head(path: Path, options: ImportOptions) -> Head:
    """The head of the file after the lines that the options skip."""
    with path.open("rb") as file:
        declared = _declared_delimiter(file.readline(HEAD_BYTES))
        file.seek(0)
        _skip_lines(file, options.skip_lines)
        content = file.read(HEAD_BYTES)
    if not options.skip_lines:
        content = content.removeprefix(BYTE_ORDER_MARK)
    lines = _numbered(content, options.skip_lines + 1)
    if declared and not options.skip_lines:
        lines = lines[1:]
    chosen = options.delimiter or declared
    return Head(
        [line for line in lines if not _is_passed_over(line.text, options)][:HEAD_LINES],
        [chosen] if chosen else list(Delimiter),
        content,
    )


def _declared_delimiter(first_line: bytes) -> Delimiter | None:
    """What the line says that separates fields, if it is such a line."""
    text = first_line.removeprefix(BYTE_ORDER_MARK).decode(errors="replace").rstrip("\r\n")
    declared = SEPARATOR_LINE.fullmatch(text)
    return Delimiter(declared[1]) if declared and declared[1] in set(Delimiter) else None


def _skip_lines(file: BinaryIO, count: int) -> None:
    for _ in range(count):
        while (part := file.readline(HEAD_BYTES)) and not part.endswith(b"\n"):
            pass


def _numbered(content: bytes, first_number: int) -> list[HeadLine]:
    texts = content.split(b"\n")
    if is_cut(content) and len(texts) > 1:
        texts = texts[:-1]
    return [
        HeadLine(number, text.decode(errors="replace"))
        for number, text in enumerate(texts, first_number)
    ]


def is_cut(content: bytes) -> bool:
    """Whether the file may go on behind the content, possibly inside a character."""
    return len(content) >= HEAD_BYTES - len(BYTE_ORDER_MARK)


def _is_passed_over(text: str, options: ImportOptions) -> bool:
    bare = text.strip()
    prefix = options.comment_prefix
    return not bare or (prefix is not None and bare.startswith(prefix))
