"""The first sheet of an Excel workbook as CSV; a line is a row of the sheet, by its number."""

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from core.imports import TIME_OF_DAY, Delimiter, ImportFault, ImportOptions
from jobs.csv_import import workbook_reader
from jobs.errors import FileFaultError

CHUNK_BYTES = 2**20
MAX_REASON_BYTES = 200
POLL_SECONDS = 0.5
MAX_MEMORY_BYTES = 2 * 2**30

READER = Path(workbook_reader.__file__)


def sheet_as_csv(path: Path, options: ImportOptions) -> Iterator[bytes]:
    """The sheet, with the options' marks; an empty chunk from time to time while none is ready.

    Raises FileFaultError while it is read: `bad_workbook` or `inflated_too_large`.
    """
    # Where the time is in a cell of its own, that of the date is the date alone.
    midnight = "" if TIME_OF_DAY in options.column_names else "T00:00:00"
    marks = (options.delimiter or Delimiter.COMMA, options.decimal, midnight)
    # -P: the folder of the program has modules with names of the standard library's.
    program = [sys.executable, "-P", "-X", "utf8", str(READER)]
    command = [*program, str(path), str(MAX_MEMORY_BYTES), *marks]
    with (
        TemporaryFile() as errors,
        subprocess.Popen(  # noqa: S603  # this program, and paths of the platform's own
            command, stdout=subprocess.PIPE, stderr=errors
        ) as process,
    ):
        try:
            yield from _chunks(process)
            code = process.wait()
        finally:
            process.kill()
        if code:
            raise _fault(code, errors)


def _chunks(process: "subprocess.Popen[bytes]") -> Iterator[bytes]:
    if process.stdout is None:
        raise ValueError("the output of the process is not piped")
    while True:
        ready, _, _ = select.select([process.stdout], [], [], POLL_SECONDS)
        chunk = os.read(process.stdout.fileno(), CHUNK_BYTES) if ready else b""
        if ready and not chunk:
            return
        yield chunk


def _fault(code: int, errors: IO[bytes]) -> FileFaultError:
    if code != workbook_reader.BAD_WORKBOOK:
        return FileFaultError(
            ImportFault.INFLATED_TOO_LARGE,
            f"The workbook takes more than {MAX_MEMORY_BYTES // 2**30} GiB of memory to read. "
            "Nothing of it was stored. Save the sheet as CSV, or split it.",
        )
    errors.seek(0)
    reason = errors.read(MAX_REASON_BYTES).decode(errors="replace")
    return FileFaultError(
        ImportFault.BAD_WORKBOOK,
        f"The file is named .xlsx, but cannot be read: {reason}. Nothing of it was stored. Save it "
        "again as .xlsx without a password, or send the sheet as CSV.",
    )
