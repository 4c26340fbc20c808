"""A reference parser of text files by their options, in plain Python, as docs/imports.md says."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import product
from zoneinfo import ZoneInfo

from core.imports import COLUMNS, DecimalMark, Delimiter, HeaderMode, ImportOptions, TimeFormat
from core.readings import EARLIEST, LATEST
from core.time import EPOCH
from tests.jobs.csv_model import (
    BAD,
    EARLIEST_PLAUSIBLE,
    NAMES,
    TIMESTAMP,
    WHITE,
    fields_of,
    is_id,
    number_of,
    timestamp_of,
)
from tests.jobs.load_model import Row

HEAD_LINES = 50
COUNT = re.compile(r"([+-]?)(\d{1,21})(\.\d{1,9})?", re.ASCII)
PER_SECOND: Mapping[str, int] = {
    TimeFormat.EPOCH_S: 1,
    TimeFormat.EPOCH_MS: 10**3,
    TimeFormat.EPOCH_US: 10**6,
    TimeFormat.EPOCH_NS: 10**9,
}


@dataclass(frozen=True)
class Line:
    """A line that is neither blank nor a comment, by its number from 1."""

    number: int
    text: str


@dataclass(frozen=True)
class Columns:
    """How a line splits, and where COLUMNS are."""

    mark: str
    width: int
    positions: Sequence[int]
    first_row: int


def rows_by_options(text: str, options: ImportOptions, latest: datetime) -> dict[int, Row]:
    """The rows by the numbers of their lines. Raises ValueError if the columns are not found."""
    lines = list(_content(text, options))
    columns = _columns(lines, options)
    rows = [line for line in lines if line.number >= columns.first_row]
    return {line.number: _row(line.text, columns, options, latest) for line in rows}


def _content(text: str, options: ImportOptions) -> Iterator[Line]:
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        bare = line.strip(WHITE)
        is_comment = options.comment_prefix and bare.startswith(options.comment_prefix)
        if number > options.skip_lines and bare and not is_comment:
            yield Line(number, line.removesuffix("\r"))


def _columns(lines: list[Line], options: ImportOptions) -> Columns:
    if options.header is HeaderMode.NONE:
        mark = str(options.delimiter)
        widths = Counter(len(_fields(line.text, mark) or []) for line in lines[:HEAD_LINES])
        numbers = [int(options.column_names[column]) - 1 for column in COLUMNS]
        return Columns(mark, widths.most_common(1)[0][0], numbers, 1)
    candidates = lines[: 1 if options.skip_lines else HEAD_LINES]
    for line, mark in product(candidates, _marks(lines, options)):
        names = _fields(line.text, mark) or []
        positions = _positions(names, options)
        if positions is not None:
            first_row = line.number + options.skip_lines_after_header + 1
            return Columns(mark, len(names), positions, first_row)
    raise ValueError("no line names the columns")


def _marks(lines: list[Line], options: ImportOptions) -> list[str]:
    declared = re.fullmatch("sep=(.)", lines[0].text)
    if options.delimiter or not declared:
        return [options.delimiter] if options.delimiter else list(Delimiter)
    return [declared[1]]


def _positions(names: list[str], options: ImportOptions) -> list[int] | None:
    """Where the columns are; None: one has no name."""
    positions: list[int] = []
    for column, known in zip(COLUMNS, NAMES, strict=True):
        own = options.columns.get(column)
        matches = [
            n for n, name in enumerate(names) if (name == own if own else name.lower() in known)
        ]
        if len(matches) != 1:
            return None
        positions += matches
    return positions


def _fields(text: str, mark: str) -> list[str] | None:
    """The fields without blanks around them; None: a quote is misplaced."""
    fields = fields_of(text, mark)
    return fields and [field.strip(WHITE) for field in fields]


def _row(text: str, columns: Columns, options: ImportOptions, latest: datetime) -> Row:
    fields = _fields(text, columns.mark)
    if fields and len(fields) == columns.width + 1 and text.endswith(columns.mark):
        fields.pop()  # it begins no field
    if fields is None or len(fields) != columns.width:
        return BAD
    equipment_id, timestamp, value = (fields[position] for position in columns.positions)
    equipment_id = unicodedata.normalize("NFC", equipment_id)
    ts = _timestamp(timestamp, options)
    if not is_id(equipment_id) or ts is None or not EARLIEST_PLAUSIBLE <= ts <= latest:
        return BAD
    key = (equipment_id, ts.isoformat())
    if _is_null(value, options):
        return Row(key, skipped=True)
    number = _number(value, options.decimal)
    return BAD if number is None else Row(key, number)


def _timestamp(text: str, options: ImportOptions) -> datetime | None:
    if options.time_format in PER_SECOND:
        return _since_epoch(text, PER_SECOND[options.time_format])
    match = TIMESTAMP.fullmatch(text)
    if match is None or match[4]:
        return timestamp_of(text)
    return _local(datetime.fromisoformat(text), ZoneInfo(options.time_zone))


def _since_epoch(text: str, per_second: int) -> datetime | None:
    match = COUNT.fullmatch(text)
    if match is None:
        return None
    count = Fraction(match[2] + (match[3] or "")) * (-1 if match[1] == "-" else 1)
    microseconds = count * 10**6 // per_second
    bounds = ((bound - EPOCH) // timedelta(microseconds=1) for bound in (EARLIEST, LATEST))
    first, last = bounds
    return (
        EPOCH + timedelta(microseconds=int(microseconds)) if first <= microseconds <= last else None
    )


def _local(naive: datetime, zone: ZoneInfo) -> datetime | None:
    """The instant of the clock's time; None: it showed that twice or never."""
    offsets = {naive.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1)}
    return naive.replace(tzinfo=zone).astimezone(UTC) if len(offsets) == 1 else None


def _number(text: str, mark: DecimalMark) -> float | None:
    if mark is DecimalMark.COMMA:
        text = text.translate({ord(","): ".", ord("."): ","})
    return number_of(text)


def _is_null(text: str, options: ImportOptions) -> bool:
    """Numbers are compared as such, words without regard to case."""
    for null_value in (each.strip(WHITE) for each in options.null_values):
        if text.lower() == null_value.lower():
            return True
        number = _number(text, options.decimal)
        meant = {_number(null_value, mark) for mark in {DecimalMark.POINT, options.decimal}}
        if number is not None and number in meant:
            return True
    return False
