"""A reference parser of text files by their options, in plain Python, as docs/imports.md says."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import product
from zoneinfo import ZoneInfo

from core.imports import (
    COLUMNS,
    DecimalMark,
    Delimiter,
    HeaderMode,
    Hour24,
    ImportOptions,
    TimeFormat,
)
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
)
from tests.jobs.load_model import Row

HEAD_LINES = 50
KNOWN = dict(zip(COLUMNS, NAMES, strict=True))
COUNT = re.compile(r"([+-]?)(\d{1,21})(\.\d{1,9})?", re.ASCII)
PER_SECOND: dict[str, int] = {
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
    """How a line splits, where the wanted columns are, and the sensors of a wide file."""

    mark: str
    width: int
    positions: Sequence[int]
    first_row: int
    sensors: Mapping[int, str] = field(default_factory=dict)


def rows_by_options(text: str, options: ImportOptions, latest: datetime) -> list[tuple[int, Row]]:
    """The rows with the numbers of their lines, or the cells of a wide file.

    Raises ValueError if the columns are not found.
    """
    lines = list(_content(text, options))
    columns = _columns(lines, options)
    return [
        (line.number, row)
        for line in lines
        if line.number >= columns.first_row
        for row in _rows(line.text, columns, options, latest)
    ]


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
        numbers = [int(options.column_names[column]) - 1 for column in options.wanted_columns]
        return Columns(mark, widths.most_common(1)[0][0], numbers, 1)
    candidates = lines[: 1 if options.skip_lines else HEAD_LINES]
    for line, mark in product(candidates, _marks(lines, options)):
        names = _fields(line.text, mark) or []
        positions = _positions(names, options)
        if positions is not None:
            first_row = line.number + options.skip_lines_after_header + 1
            others = {n: name for n, name in enumerate(names) if n not in positions}
            sensors = {n: name for n, name in others.items() if name not in options.ignore_columns}
            wanted = sensors if options.is_wide else {}
            return Columns(mark, len(names), positions, first_row, wanted)
    raise ValueError("no line names the columns")


def _marks(lines: list[Line], options: ImportOptions) -> list[str]:
    declared = re.fullmatch("sep=(.)", lines[0].text)
    if options.delimiter or not declared:
        return [options.delimiter] if options.delimiter else list(Delimiter)
    return [declared[1]]


def _positions(names: list[str], options: ImportOptions) -> list[int] | None:
    """Where the columns are; None: one has no name."""
    positions: list[int] = []
    for column in options.wanted_columns:
        own, known = options.column_names.get(column), KNOWN.get(column, set())
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


def _rows(text: str, columns: Columns, options: ImportOptions, latest: datetime) -> list[Row]:
    fields = _fields(text, columns.mark)
    if fields and len(fields) == columns.width + 1 and text.endswith(columns.mark):
        fields.pop()  # it begins no field
    if fields is None or len(fields) != columns.width:
        return [BAD]
    found = [fields[position] for position in columns.positions]
    if options.is_wide:
        times = " ".join(found).strip(WHITE)
        return [
            _row((options.id_template.replace("{column}", name), times, fields[n]), options, latest)
            for n, name in columns.sensors.items()
        ]
    equipment_id, timestamp, value, *time_of_day = found
    times = " ".join([timestamp, *time_of_day]).strip(WHITE)
    return [_row((equipment_id, times, value), options, latest)]


def _row(cells: tuple[str, str, str], options: ImportOptions, latest: datetime) -> Row:
    equipment_id, timestamp, value = cells
    equipment_id = unicodedata.normalize("NFC", equipment_id)
    ts = _timestamp(timestamp, options)
    if not is_id(equipment_id) or ts is None or not EARLIEST_PLAUSIBLE <= ts <= latest:
        return BAD
    key = (equipment_id, ts.isoformat())
    if _is_null(value, options) or (options.is_wide and not value):
        return Row(key, skipped=True)
    number = _number(value, options.decimal)
    return BAD if number is None else Row(key, number)


def _timestamp(text: str, options: ImportOptions) -> datetime | None:
    if options.time_format in PER_SECOND:
        return _since_epoch(text, PER_SECOND[options.time_format])
    usual = text if options.pattern else _as_usual(text)
    days, usual = _without_hour_24(usual) if options.hour24 is Hour24.NEXT_DAY else (0, usual)
    parsed = _by_pattern(usual, options) if options.pattern else _by_iso_8601(usual)
    if parsed is None or (days and (parsed.minute or parsed.second or parsed.microsecond)):
        return None
    moved = parsed + timedelta(days=days)
    utc = moved.astimezone(UTC) if moved.tzinfo else _local(moved, ZoneInfo(options.time_zone))
    return utc if utc and EARLIEST <= utc <= LATEST else None


def _as_usual(text: str) -> str:
    """ISO 8601 without what files may have besides: UTC by name, a blank or comma more."""
    named = re.sub(r" ?(utc|gmt)$", "Z", text, flags=re.IGNORECASE | re.ASCII)
    return re.sub(r"(:\d\d),(?=\d)", r"\1.", re.sub(r" (?=[+-]\d)", "", named))


def _without_hour_24(text: str) -> tuple[int, str]:
    """How many days later the time is that is written with the hour 0."""
    changed = re.sub(r"(?<![\d:])24:", "00:", text, count=1)
    return int(changed != text), changed


def _by_iso_8601(text: str) -> datetime | None:
    if not TIMESTAMP.fullmatch(text):
        return None
    with suppress(ValueError):
        return datetime.fromisoformat(text.upper())
    return None


def _by_pattern(text: str, options: ImportOptions) -> datetime | None:
    with suppress(ValueError):
        return datetime.strptime(text, options.time_format)  # noqa: DTZ007  # some have a zone
    return None


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
