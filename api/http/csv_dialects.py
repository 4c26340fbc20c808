"""Dialects of the CSV that people download: exact, or safe to open in a spreadsheet.

A spreadsheet takes a cell that begins with `=` and its like for a formula, which may send other
cells away or start a program (CWE-1236, CSV injection). Whoever may send a reading chooses such a
text. The remedy is OWASP's, an apostrophe before it.

Where a comma is the decimal mark, spreadsheets expect semicolons between cells and see no quotes
behind a comma, so a text can begin a cell of its own. Each such place counts as a cell's start.
"""

import re
from enum import StrEnum
from typing import Final

from api.http.query_parameters import enum_parameter

START_OF_CELL: Final = r"(?:^|(?<=[;\t\r\n]))"
# The apostrophe too, so that what is escaped can be told from what is not.
FORMULA: Final = r"""(?=[ "]*['=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20])"""

UNESCAPED = re.compile(START_OF_CELL + FORMULA)
ESCAPED = re.compile(f"{START_OF_CELL}'{FORMULA}")


class CsvDialect(StrEnum):
    """How texts are written into cells; numbers and timestamps are the same in both."""

    PLAIN = "plain"
    SPREADSHEET = "spreadsheet"


CSV_DIALECT = enum_parameter(
    "csvDialect",
    CsvDialect,
    "spreadsheet: texts that a spreadsheet would take for formulas begin with an apostrophe.",
    CsvDialect.PLAIN,
    documents_default=True,
)


def escape_formulas(text: str) -> str:
    """The text with an apostrophe wherever it would begin a cell as a formula."""
    return UNESCAPED.sub("'", text)


def unescape_formulas(text: str) -> str:
    """The text that `escape_formulas` has made this one of."""
    return ESCAPED.sub("", text)
