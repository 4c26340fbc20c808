"""The program that writes the first sheet of an .xlsx file as CSV to its standard output.

A process of its own, with a limit to its memory: a file of a few kilobytes can make the reader ask
for any amount, and then its process is ended. It must import nothing of the platform.
"""

import csv
import re
import resource
import sys
import zipfile
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, NamedTuple

from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

BAD_WORKBOOK = 3
TOO_LARGE = 4

LINE_ENDS = re.compile(r"[\r\n]+")
MAX_CPU_SECONDS = 600
OLE = b"\xd0\xcf\x11\xe0"
EXACT_INTEGERS = 10**15  # Excel has 15 digits


class Marks(NamedTuple):
    """How cells are written; `midnight` stands behind a date whose cell has no time."""

    delimiter: str
    decimal: str
    midnight: str


def main(file: str, max_memory_bytes: str, *marks: str) -> int:
    """Write the sheet; the exit code says whether and why not."""
    path, max_memory = Path(file), int(max_memory_bytes)
    resource.setrlimit(resource.RLIMIT_AS, (max_memory, max_memory))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))
    try:
        require_small(path, max_memory)
        write_sheet(path, Marks(*marks))
    except MemoryError:
        return TOO_LARGE
    except Exception as error:  # noqa: BLE001  # whatever is wrong with the file
        sys.stderr.write(str(error) or type(error).__name__)
        return BAD_WORKBOOK
    return 0


def require_small(path: Path, max_bytes: int) -> None:
    """Raise MemoryError if the workbook says that it inflates to more.

    One that says less than it does meets the limit of the process.
    """
    with path.open("rb") as file:
        if file.read(len(OLE)) == OLE:
            raise ValueError("it is protected by a password, or is an .xls of another name")
    with zipfile.ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > max_bytes:
            raise MemoryError


def write_sheet(path: Path, marks: Marks) -> None:
    """Write a line for each row of the sheet from the first on."""
    with CalamineWorkbook.from_path(path) as workbook:
        writer = csv.writer(sys.stdout, delimiter=marks.delimiter, lineterminator="\n")
        for row in workbook.get_sheet_by_name(first_sheet(workbook)).iter_rows():
            cells = [text_of(cell, marks) for cell in row]
            if any(cells):
                writer.writerow(cells)
            else:
                sys.stdout.write("\n")


def first_sheet(workbook: CalamineWorkbook) -> str:
    """The name of the first sheet with cells that a user sees."""
    for sheet in workbook.sheets_metadata:
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible:
            return sheet.name
    raise ValueError("it has no visible sheet")


def text_of(cell: Any, marks: Marks) -> str:
    """The cell as CSV has it."""
    match cell:
        case bool():
            return str(cell).upper()
        case float():
            whole = cell.is_integer() and abs(cell) < EXACT_INTEGERS
            return str(int(cell)) if whole else repr(cell).replace(".", marks.decimal)
        case datetime() | time():
            return cell.isoformat()
        case date():
            return cell.isoformat() + marks.midnight
        case _:
            return LINE_ENDS.sub(" ", str(cell)).strip()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
