"""A preview: what an import would make of the first rows of a file.

The API starts the program that makes it (`jobs.csv_import.preview`), which reads a request from its
standard input and writes a preview to its output, both as JSON.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from core.imports import ImportFault, ImportOptions, Remedy
from core.readings import RejectCode
from core.row_warnings import ReportedWarning

# The program, as `python -m` has it.
PREVIEW_MODULE = "jobs.csv_import.preview"


class PreviewRequest(Struct, frozen=True, kw_only=True):
    """The file at `path`, of which `is_cut` says that it is the beginning of a larger one.

    With `detects` options are looked for around those given. The last two are of the settings.
    """

    path: str
    is_cut: bool
    options: ImportOptions
    detects: bool
    earliest: datetime
    max_future: timedelta


class Outcome(StrEnum):
    """What becomes of a row."""

    READING = "reading"
    SKIPPED = "skipped"
    REJECTED = "rejected"


class RowOutcome(Struct, frozen=True, kw_only=True, rename="camel"):
    """What becomes of a row, or of a cell of a wide file: a reading, or why it is none.

    `column` is the one at fault, of a wide file the cell's. `hint` is what the text suggests.
    """

    outcome: Outcome
    column: str = ""
    equipment_id: str | None = None
    timestamp: datetime | None = None
    value: float | None = None
    code: RejectCode | None = None
    hint: str = ""
    remedies: list[Remedy] = []


class PreviewedLine(Struct, frozen=True):
    """A line, as text and as cells, both cut if they are long, and what becomes of its rows."""

    line: int
    text: str
    cells: list[str]
    outcomes: list[RowOutcome]


class PreviewTable(Struct, frozen=True, kw_only=True, rename="camel"):
    """The columns of the file, by the line that names them; null: they are numbered from 1.

    `mapping` has the file's names of the columns that are read, `sensors` the equipment ids of a
    wide file by the names of their columns.
    """

    header_line: int | None
    delimiter: str
    columns: list[str]
    mapping: dict[str, str] = {}
    sensors: dict[str, str] = {}


class PreviewCounts(Struct, frozen=True):
    """Rows of the sample, of a wide file its cells: read = readings + skipped + rejected."""

    read: int
    readings: int
    skipped: int
    rejected: int


class PreviewedRejects(Struct, frozen=True):
    """How many rows of the sample are rejected with a code for a column, and the first of them.

    The column is empty where it is none, or where the rows are cells of a wide file.
    """

    code: RejectCode
    column: str
    count: int
    lines: list[int]
    example: str
    hint: str
    remedies: list[Remedy]


class ColumnHint(Struct, frozen=True):
    """What nearly all rejected cells of a column suggest."""

    column: str
    hint: str
    remedies: list[Remedy]


class ProposedOptions(Struct, frozen=True, kw_only=True, rename="camel"):
    """Options that read the first 64 KiB of the file, and what these come to."""

    options: ImportOptions
    mapping: dict[str, str]
    counts: PreviewCounts
    readings: list[RowOutcome]
    first_rejects: list[str]
    assumes_utc: bool


class PreviewFault(Struct, frozen=True):
    """Why the file cannot be read with the options."""

    code: ImportFault
    message: str
    remedies: list[Remedy]


class PreviewSample(Struct, frozen=True, kw_only=True, rename="camel"):
    """How much of the file is counted: whole lines of its plain text, perhaps all of them."""

    text_bytes: int
    lines: int
    is_whole: bool


class Preview(Struct, frozen=True, kw_only=True, rename="camel"):
    """What an import would make of the first rows of a file with `options`.

    These are the ones given, or the first of `proposals`; where there are several, they differ in
    the options `ambiguous`, and the file does not tell which is meant. `assumesUtc`: timestamps
    have no offset, and are read as UTC because no time zone is given. `above` are the first lines
    that are no rows, `lines` those with rows; all lines are `lines` if there is a `fault`.
    """

    options: ImportOptions
    proposals: list[ProposedOptions]
    ambiguous: list[str]
    fault: PreviewFault | None
    sample: PreviewSample
    table: PreviewTable | None
    above: list[PreviewedLine]
    lines: list[PreviewedLine]
    counts: PreviewCounts
    rejects: list[PreviewedRejects]
    column_hints: list[ColumnHint]
    warnings: list[ReportedWarning]
    assumes_utc: bool
