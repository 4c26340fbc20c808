"""The CSV list of rejected rows, as a client sends it back with rows corrected."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from api.http.csv_dialects import CsvDialect, escape_formulas, unescape_formulas
from api.imports.errors import ForeignRejectsError, MalformedRejectsError

HEADER = ["line", "code", "column", "row"]
HEADER_LINE = b"line,code,column,row\n"
MAX_REJECTS_BYTES = 16 * 2**20
MAX_FIELD_CHARACTERS = 2**31 - 1  # of a C long everywhere: a row is as long as its line was

LINE_NUMBER = re.compile("[1-9][0-9]{0,17}")
FILE_NAME = re.compile(r"rejects-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.ASCII)


def require_matching_name(file_name: str, import_id: object) -> None:
    """Raise ForeignRejectsError if the file has the name of another import's rejects."""
    named = FILE_NAME.search(file_name)
    if named and named[1] != str(import_id):
        raise ForeignRejectsError(
            f"The file is named as the rejects of the import {named[1]}. Send it there."
        )


class RejectKey(NamedTuple):
    """What a reject is known by: its line, and in a wide file the name of its column."""

    line: int
    column: str = ""

    def __str__(self) -> str:
        return f"{self.line}, column {self.column!r}," if self.column else str(self.line)


def parse_corrected_rows(
    content: bytes, dialect: CsvDialect, *, by_cell: bool
) -> dict[RejectKey, str]:
    """The rows in ascending order of their lines; a blank row counts as left out.

    Blocking: call it in a thread. Raises MalformedRejectsError.
    """
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    read = unescape_formulas if dialect is CsvDialect.SPREADSHEET else str
    try:
        text = content.decode("utf-8-sig")
        records = csv.reader(io.StringIO(text, newline=""), strict=True)
        rows = dict(_rows(records, read, by_cell=by_cell))
    except (UnicodeDecodeError, csv.Error) as error:
        raise _malformed(str(error)) from error
    return {key: read(rows[key]) for key in sorted(rows) if rows[key].strip()}


def _rows(
    records: Iterator[list[str]], read: Callable[[str], str], *, by_cell: bool
) -> Iterator[tuple[RejectKey, str]]:
    if next(records, []) != HEADER:
        raise _malformed("the first line is another")
    seen: set[RejectKey] = set()
    for record in records:
        if len(record) != len(HEADER) or not LINE_NUMBER.fullmatch(record[0]):
            raise _malformed(f"record {len(seen) + 1} is no line number, code, column and row")
        key = RejectKey(int(record[0]), read(record[2]) if by_cell else "")
        if key in seen:
            raise _malformed(f"line {key} is there twice")
        seen.add(key)
        yield key, record[-1]


def escape_rows(part: bytes) -> bytes:
    """A part of the stored list with its rows as CsvDialect.SPREADSHEET has them.

    Blocking: call it in a thread.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    for line, *texts in stored_records(part):
        writer.writerow([int(line), *map(escape_formulas, texts)])
    return text.getvalue().encode()


def stored_records(part: bytes) -> Iterator[list[str]]:
    """The records of a part of the stored list. Blocking: call it in a thread."""
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    return csv.reader(io.StringIO(part.decode(), newline=""))


def encode_corrected_rows(rows: Mapping[RejectKey, str], *, by_cell: bool) -> bytes:
    """The rows as the worker reads them: CSV with what they are known by, every text quoted."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(["line", "column", "row"] if by_cell else ["line", "row"])
    writer.writerows([*(key if by_cell else key[:1]), row] for key, row in rows.items())
    return text.getvalue().encode()


def _malformed(reason: str) -> MalformedRejectsError:
    return MalformedRejectsError(
        f"This is not the list that GET .../rejects gives: {reason}. Keep its header "
        f"{','.join(HEADER)} and its lines, in UTF-8 with commas, and change rows only."
    )
