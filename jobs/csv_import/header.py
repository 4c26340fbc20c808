"""The first line of a file: which column is which, or why the file cannot be read at all."""

import codecs
import re
from pathlib import Path

from jobs.errors import FileFaultError

EQUIPMENT_ID = "equipmentId"
TIMESTAMP = "timestamp"
VALUE = "value"
WANTED = (EQUIPMENT_ID, TIMESTAMP, VALUE)

# A field in quotes, with quotes inside doubled, or one without any quote.
FIELD = r'"(?:[^"]|"")*"|[^",]*'

HEAD_BYTES = 2**16
MAX_COLUMNS = 100
SHOWN_CHARACTERS = 80
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_header(path: Path) -> tuple[str, ...]:
    """The names of the file's columns, in its order; each of WANTED is there once.

    Raises FileFaultError: `empty_file`, `not_text` or `missing_header`.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES).removeprefix(BYTE_ORDER_MARK)
    if not head.strip():
        raise _empty_file()
    first_line = head.split(b"\n", 1)[0].decode(errors="replace")
    columns = tuple(name.strip().strip('"') for name in re.findall(f"(?:^|,)({FIELD})", first_line))
    if len(columns) <= MAX_COLUMNS and all(columns.count(name) == 1 for name in WANTED):
        return columns
    raise _missing_header(first_line) if _is_text(head) else _not_text()


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
        "compressed file must be named .csv.gz.",
    )


def _missing_header(first_line: str) -> FileFaultError:
    shown = first_line.strip()[:SHOWN_CHARACTERS]
    return FileFaultError(
        "missing_header",
        f"The first line must name the columns {', '.join(WANTED)}, each once, in any order, "
        f"separated by commas; it is {shown!r}. Nothing of the file was stored. Add that line.",
    )
