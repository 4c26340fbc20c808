"""A list of rejected rows that comes back with corrected rows."""

import csv
import io
import re
from collections.abc import Iterator

from api.imports.errors import ForeignRejectsError, MalformedRejectsError

HEADER = ["line", "code", "column", "row"]
MAX_REJECTS_BYTES = 16 * 2**20

LINE = re.compile("[1-9][0-9]{0,17}")
NAME = re.compile(r"rejects-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.ASCII)


def require_own_name(file_name: str, import_id: object) -> None:
    """Raise ForeignRejectsError if the file is named as the rejects of another import are."""
    named = NAME.search(file_name)
    if named and named[1] != str(import_id):
        raise ForeignRejectsError(
            f"The file is named as the rejects of the import {named[1]}. Send it there."
        )


def corrected_rows(content: bytes) -> dict[int, str]:
    """The rows by their lines, in order of these; one without text is as good as left out.

    Blocking: for a thread. Raises MalformedRejectsError.
    """
    csv.field_size_limit(MAX_REJECTS_BYTES)
    try:
        text = content.decode("utf-8-sig")
        rows = dict(_rows(csv.reader(io.StringIO(text, newline=""), strict=True)))
    except (UnicodeDecodeError, csv.Error) as error:
        raise _malformed(str(error)) from error
    return {line: rows[line] for line in sorted(rows) if rows[line].strip()}


def _rows(records: Iterator[list[str]]) -> Iterator[tuple[int, str]]:
    if next(records, []) != HEADER:
        raise _malformed("the first line is another")
    seen: set[int] = set()
    for record in records:
        if len(record) != len(HEADER) or not LINE.fullmatch(record[0]):
            raise _malformed(f"record {len(seen) + 1} is no line number, code, column and row")
        line = int(record[0])
        if line in seen:
            raise _malformed(f"line {line} is there twice")
        seen.add(line)
        yield line, record[-1]


def as_object(rows: dict[int, str]) -> bytes:
    """The rows as the worker reads them: CSV with line and row, every row quoted."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(["line", "row"])
    writer.writerows(rows.items())
    return text.getvalue().encode()


def _malformed(what: str) -> MalformedRejectsError:
    return MalformedRejectsError(
        f"This is not the list that GET .../rejects gives: {what}. Keep its header "
        f"{','.join(HEADER)} and its lines, in UTF-8 with commas, and change rows only."
    )
