"""Random text files in every way that options describe, with all that devices put into them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from core.imports import (
    COLUMNS,
    TIME_OF_DAY,
    DecimalMark,
    Delimiter,
    Encoding,
    HeaderMode,
    Hour24,
    ImportOptions,
    TableLayout,
    TimeFormat,
)
from core.readings import OnConflict
from core.time import EPOCH
from tests.jobs.file_forms import zipped
from tests.jobs.mutations import PACKINGS

MAX_ROWS = 40
# Days on which clocks are put forward or back.
DAYS = [datetime(2025, *date, tzinfo=UTC) for date in ((3, 9), (3, 30), (10, 26), (11, 2))]
# The last is never used: a time of day has no usual name.
ALIASES = (("sensor", "Device"), ("time", "TS", "timestamp"), ("value", "Reading"), ("",))
OWN_NAMES = {"equipmentId": "Meßstelle", "timestamp": "Zeit, Ort", "value": "Wert |°C"}
IDS = ["a", "Pümpe 1", 'x "y"', " b ", "17", "U\u0308"]
BAD_IDS = ["", "z" * 256, "a\u200bb", "\x07"]
NULL_VALUES = ["-9999", "NAN", "", "n/a", "-999.9", "1e3"]
BAD_VALUES = ["x", "1.2.3", "1,2,3", "nan", "inf", "1e999", "--1", "", "NULL"]
BAD_TIMES = ["", "never", "2026-02-30T00:00:00Z", "9" * 22, "0", "2026-11-01"]
PATTERNS = [
    "%d.%m.%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%d-%b-%Y %H:%M", "%Y%m%d%H%M%S",
    "%d/%m/%y %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S %z",
]  # fmt: skip
SENSORS = ["temp", "hum %", 'T "1"', "Wert |°C", "17", "1;5", "tab, x"]
IGNORED = ["note", "", "Rec #"]
ISO_ENDINGS = ["", "Z", " UTC", "gmt", "+00:00", " +0000", ",25Z"]
TITLES = ["Station: Weir 4", "Logger S/N: 77", "", "  ", "export of 2026-11-01", '"']
ENDINGS = ["\n", "\r\n", "\r"]
# Codecs and the option that each needs; what a mark tells counts more than an option.
ENCODINGS = [
    ("utf-8", Encoding.UTF_8), ("utf-8-sig", Encoding.WINDOWS_1252), ("utf-16", Encoding.UTF_8),
    ("utf-16-le", Encoding.UTF_16), ("cp1252", Encoding.WINDOWS_1252),
]  # fmt: skip
PACKED = {**PACKINGS, ".txt": bytes, ".tsv": bytes, ".zip": zipped}
PER_SECOND: dict[str, int] = {
    TimeFormat.EPOCH_S: 1,
    TimeFormat.EPOCH_MS: 10**3,
    TimeFormat.EPOCH_US: 10**6,
}


@dataclass(frozen=True)
class OptionFile:
    """The text of a file, its extension and the options for it."""

    text: str
    content: bytes
    extension: str
    options: ImportOptions


def option_file(random: Random) -> OptionFile:
    """A file of a header, if it has one, rows of which some are bad, and lines that are none."""
    options = _options(random)
    writer = (WideWriter if options.is_wide else Writer)(random, options)
    lines = [*writer.above(), *writer.rows()]
    ending = random.choice(ENDINGS)
    codec, encoding = random.choice(ENCODINGS)
    written = (ending.join(lines) + random.choice(["", ending])).encode(codec, errors="replace")
    extension = random.choice(list(PACKED))
    text = written.decode(codec)
    return OptionFile(
        text if "\n" in text else text.replace("\r", "\n"),
        PACKED[extension](written),
        extension,
        replace(options, encoding=encoding),
    )


def _options(random: Random) -> ImportOptions:
    header = random.choice([HeaderMode.DETECT] * 3 + [HeaderMode.NONE])
    is_wide = header is HeaderMode.DETECT and random.random() < 0.4
    with_header = header is HeaderMode.DETECT
    own = OWN_NAMES | random.choice([{}, {"timestamp": ["Datum", "Uhr;zeit"]}])
    named = random.sample(COLUMNS, random.randint(0, 3))
    if is_wide:
        named = random.choice([[], ["timestamp"]])
    delimiter = random.choice(list(Delimiter))
    return ImportOptions(
        delimiter=delimiter if not with_header or random.random() < 0.5 else None,
        decimal=random.choice(list(DecimalMark)),
        time_format=random.choice([TimeFormat.ISO8601] * 3 + [*TimeFormat, *PATTERNS]),
        hour24=random.choice(list(Hour24)),
        time_zone=random.choice(["UTC", "Europe/Berlin", "America/New_York"]),
        columns={name: own[name] for name in named} if with_header else _numbers(random),
        layout=TableLayout.WIDE if is_wide else TableLayout.LONG,
        id_template=random.choice(["{column}", "plant 1.{column}"]) if is_wide else "{column}",
        ignore_columns=random.sample(IGNORED, random.randint(0, 3)) if is_wide else [],
        header=header,
        skip_lines=random.choice([0, 0, 1, 4]),
        comment_prefix=random.choice([None, "#", "//"]),
        skip_lines_after_header=random.choice([0, 0, 1, 2]) if with_header else 0,
        on_conflict=random.choice(list(OnConflict)),
        null_values=random.sample(NULL_VALUES, random.randint(0, 4)),
    )


def _numbers(random: Random) -> dict[str, str | list[str]]:
    first, *others, last = map(str, random.sample(range(1, 7), random.choice([3, 4])))
    timestamp = others if others[1:] else others[0]
    return {"equipmentId": first, "timestamp": timestamp, "value": last}


@dataclass
class Writer:
    """Writes lines as the options say."""

    random: Random
    options: ImportOptions
    mark: str = field(init=False)
    order: list[int] = field(init=False)
    width: int = field(init=False)

    def __post_init__(self) -> None:
        random, options = self.random, self.options
        self.mark = options.delimiter or random.choice(list(Delimiter))
        if options.header is HeaderMode.NONE:
            self.order = [int(options.column_names[name]) - 1 for name in options.wanted_columns]
            self.width = random.randint(max(self.order) + 1, 7)
        else:
            self.width = random.randint(4, 7)
            self.order = random.sample(range(self.width), len(options.wanted_columns))

    def above(self) -> list[str]:
        """The lines above the first row."""
        options, random = self.options, self.random
        above = [random.choice([*TITLES, "sensor,time,value"]) for _ in range(options.skip_lines)]
        if options.header is HeaderMode.NONE:
            return above
        if not options.skip_lines:
            above = random.choice([[], [f"sep={self.mark}"], self._titles()])
        units = [random.choice(["-", "", "degC"]) for _ in range(options.skip_lines_after_header)]
        return [*above, *self._comments(), self._header(), *units]

    def rows(self) -> list[str]:
        """Rows, of which the first are good, among blank lines and comments."""
        lines = [self._line(self._cells(good=True)) for _ in range(3)]
        for _ in range(self.random.randint(0, MAX_ROWS)):
            lines += [self._any_row(), *self._comments()]
        return lines

    def _titles(self) -> list[str]:
        return self.random.sample(TITLES, self.random.randint(1, 3))

    def _comments(self) -> list[str]:
        prefix = self.options.comment_prefix
        if prefix is None or self.random.random() < 0.8:
            return []
        return [f"{self.random.choice(['', ' '])}{prefix} a,2026-11-01T00:00:00Z,1"]

    def _header(self) -> str:
        names = [
            self.options.column_names.get(column) or self.random.choice(aliases)
            for column, aliases in zip(self.options.wanted_columns, ALIASES, strict=False)
        ]
        return self._line(names, trailing=False)

    def _any_row(self) -> str:
        return self.random.choice([self._good_row] * 6 + [self._bad_row] * 2 + [self._odd_line])()

    def _good_row(self) -> str:
        return self._line(self._cells(good=True))

    def _bad_row(self) -> str:
        return self._line(self._cells(good=False))

    def _odd_line(self) -> str:
        line = self._good_row()
        return self.random.choice(
            ["", " \t", line.replace(self.mark, "", 1), line + self.mark * 2, line + '"', '"']
        )

    def _cells(self, *, good: bool) -> Sequence[str]:
        wrong = None if good else self.random.randrange(3)
        pools: list[Callable[[], str]] = [self._id, self._timestamp, self._value]
        bad = [BAD_IDS, BAD_TIMES, BAD_VALUES]
        equipment_id, timestamp, value = (
            self.random.choice(bad[n]) if n == wrong else pool() for n, pool in enumerate(pools)
        )
        if TIME_OF_DAY not in self.options.wanted_columns:
            return [equipment_id, timestamp, value]
        date, _, time = timestamp.partition(" ")
        return [equipment_id, date, value, time]

    def _id(self) -> str:
        return self.random.choice(IDS)

    def _timestamp(self) -> str:
        ts = self.random.choice(DAYS) + timedelta(minutes=self.random.randrange(0, 600, 15))
        if self.options.time_format is TimeFormat.EPOCH_NS:
            return str((ts - EPOCH) // timedelta(microseconds=1) * 1000)
        if per_second := PER_SECOND.get(self.options.time_format):
            return str(round((ts - EPOCH) / timedelta(seconds=1) * per_second))
        return self._date_and_time(ts)

    def _date_and_time(self, ts: datetime) -> str:
        local = ts.astimezone(ZoneInfo(self.options.time_zone))
        if self.random.random() < 0.3:
            return self._with_offset(ts, local)
        # Of the hour that the clock skips, some timestamps name none.
        naive = (
            local.replace(tzinfo=None) if self.random.random() < 0.9 else ts.replace(tzinfo=None)
        )
        if naive.time() == time() and self.random.random() < 0.7:
            return self._format(naive - timedelta(days=1)).replace("00:00", "24:00", 1)
        return self._format(naive)

    def _with_offset(self, ts: datetime, local: datetime) -> str:
        if self.options.pattern:
            return self._format(local)
        ending = self.random.choice(ISO_ENDINGS)
        naive = ts.replace(tzinfo=None).isoformat(self._separator())
        return naive + ending if ending else local.isoformat(self._separator())

    def _format(self, local: datetime) -> str:
        if self.options.pattern:
            aware = local if local.tzinfo else local.replace(tzinfo=UTC)
            return aware.strftime(self.options.time_format)
        return local.isoformat(self._separator())

    def _separator(self) -> str:
        return " " if TIME_OF_DAY in self.options.wanted_columns else self.random.choice("T ")

    def _value(self) -> str:
        if self.random.random() < 0.2:
            return self.random.choice([*NULL_VALUES, "nan", "-9999.0", "1000"])
        text = self.random.choice(["1.5", "-2", "+.5", "1e2", "0", "21.25", "-999.9"])
        comma = self.options.decimal is DecimalMark.COMMA
        return text.replace(".", ",") if comma and self.random.random() < 0.9 else text

    def _line(self, cells: Sequence[str], *, trailing: bool = True) -> str:
        fields = [self.random.choice(["note", "", "5"]) for _ in range(self.width)]
        for position, cell in zip(self.order, cells, strict=True):
            fields[position] = cell
        line = self.mark.join(map(self._field, fields))
        can_trail = trailing and self.options.header is HeaderMode.DETECT
        return line + self.mark if can_trail and self.random.random() < 0.1 else line

    def _field(self, text: str) -> str:
        if self.mark in text or '"' in text or self.random.random() < 0.1:
            doubled = text.replace('"', '""')
            return f'"{doubled}"'
        return text


@dataclass
class WideWriter(Writer):
    """A column for each sensor, besides those of the timestamp and those to ignore."""

    names: list[str] = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        sensors = self.random.sample(SENSORS, self.random.randint(1, 4))
        ignored = self.options.ignore_columns
        self.width = len(self.order) + len(sensors) + len(ignored)
        self.order = self.random.sample(range(self.width), len(self.order) + len(sensors))
        names = iter(ignored)
        times = [
            self.options.column_names.get(column) or self.random.choice(aliases)
            for column, aliases in zip(self.options.wanted_columns, ALIASES[1:], strict=False)
        ]
        by_place = dict(zip(self.order, [*times, *sensors], strict=True))
        self.names = [
            by_place[place] if place in by_place else next(names) for place in range(self.width)
        ]

    def _header(self) -> str:
        return self.mark.join(map(self._field, self.names))

    def _cells(self, *, good: bool) -> Sequence[str]:
        timestamp = self._timestamp() if good else self.random.choice(BAD_TIMES)
        date, _, time_of_day = timestamp.partition(" ")
        has_two = TIME_OF_DAY in self.options.wanted_columns
        times = [date, time_of_day] if has_two else [timestamp]
        return [*times, *(self._cell() for _ in self.order[len(times) :])]

    def _cell(self) -> str:
        odd = self.random.choice([*BAD_VALUES, "", " "])
        return odd if self.random.random() < 0.15 else self._value()
