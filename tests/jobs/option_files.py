"""Random text files in every way that options describe, with all that devices put into them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from core.imports import (
    COLUMNS,
    DecimalMark,
    Delimiter,
    Encoding,
    HeaderMode,
    ImportOptions,
    TimeFormat,
)
from core.readings import OnConflict
from core.time import EPOCH
from tests.jobs.mutations import PACKINGS
from tests.support.workbooks import archive

MAX_ROWS = 40
# Days on which clocks are put forward or back.
DAYS = [datetime(2025, *date, tzinfo=UTC) for date in ((3, 9), (3, 30), (10, 26), (11, 2))]
ALIASES = (("sensor", "Device"), ("time", "TS", "timestamp"), ("value", "Reading"))
OWN_NAMES = {"equipmentId": "Meßstelle", "timestamp": "Zeit, Ort", "value": "Wert |°C"}
IDS = ["a", "Pümpe 1", 'x "y"', " b ", "17", "U\u0308"]
BAD_IDS = ["", "z" * 256, "a\u200bb", "\x07"]
NULL_VALUES = ["-9999", "NAN", "", "n/a", "-999.9", "1e3"]
BAD_VALUES = ["x", "1.2.3", "1,2,3", "nan", "inf", "1e999", "--1", "", "NULL"]
BAD_TIMES = ["", "never", "2026-02-30T00:00:00Z", "9" * 22, "0", "2026-11-01"]
TITLES = ["Station: Weir 4", "Logger S/N: 77", "", "  ", "export of 2026-11-01", '"']
ENDINGS = ["\n", "\r\n"]
CODECS = {
    Encoding.UTF_8: "utf-8",
    Encoding.UTF_16: "utf-16-le",
    Encoding.WINDOWS_1252: "cp1252",
}
MARKED_CODECS = ["utf-8-sig", "utf-16"]
PACKED: dict[str, Callable[[bytes], bytes]] = {
    **PACKINGS,
    ".txt": bytes,
    ".zip": lambda content: archive({"folder/": "", "folder/a.tsv": content}),
}
PER_SECOND: Mapping[str, int] = {
    TimeFormat.EPOCH_S: 1,
    TimeFormat.EPOCH_MS: 10**3,
    TimeFormat.EPOCH_US: 10**6,
}


@dataclass(frozen=True)
class OptionFile:
    """The text of a file, how it is written, and the options for it."""

    text: str
    extension: str
    codec: str
    ends_lines_by_cr: bool
    options: ImportOptions

    @property
    def content(self) -> bytes:
        text = self.text.replace("\n", "\r") if self.ends_lines_by_cr else self.text
        return PACKED[self.extension](text.encode(self.codec))


def option_file(random: Random) -> OptionFile:
    """A file of a header, if it has one, rows of which some are bad, and lines that are none."""
    options = _options(random)
    writer = Writer(random, options)
    lines = [*writer.above(), *writer.rows()]
    ending = random.choice(ENDINGS)
    text = ending.join(lines) + random.choice(["", ending])
    codec = random.choice([CODECS[options.encoding], *MARKED_CODECS])
    written = text.encode(codec, errors="replace").decode(codec)
    by_cr = ending == "\n" and random.random() < 0.1
    return OptionFile(written, random.choice(list(PACKED)), codec, by_cr, options)


def _options(random: Random) -> ImportOptions:
    header = random.choice([HeaderMode.DETECT] * 3 + [HeaderMode.NONE])
    with_header = header is HeaderMode.DETECT
    own = random.sample(COLUMNS, random.randint(0, 3))
    delimiter = random.choice(list(Delimiter))
    return ImportOptions(
        encoding=random.choice([Encoding.UTF_8] * 3 + list(Encoding)),
        delimiter=delimiter if not with_header or random.random() < 0.5 else None,
        decimal=random.choice(list(DecimalMark)),
        time_format=random.choice([TimeFormat.ISO8601] * 3 + list(TimeFormat)),
        time_zone=random.choice(["UTC", "Europe/Berlin", "America/New_York"]),
        columns={**({name: OWN_NAMES[name] for name in own} if with_header else _numbers(random))},
        header=header,
        skip_lines=random.choice([0, 0, 1, 4]),
        comment_prefix=random.choice([None, "#", "//"]),
        skip_lines_after_header=random.choice([0, 0, 1, 2]) if with_header else 0,
        on_conflict=random.choice(list(OnConflict)),
        null_values=random.sample(NULL_VALUES, random.randint(0, 4)),
    )


def _numbers(random: Random) -> dict[str, str]:
    positions = random.sample(range(1, 6), 3)
    return {column: str(n) for column, n in zip(COLUMNS, positions, strict=True)}


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
            self.order = [int(options.column_names[column]) - 1 for column in COLUMNS]
            self.width = random.randint(max(self.order) + 1, 6)
        else:
            self.width = random.randint(3, 6)
            self.order = random.sample(range(self.width), 3)

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
            for column, aliases in zip(COLUMNS, ALIASES, strict=True)
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
        return [
            self.random.choice(bad[n]) if n == wrong else pool() for n, pool in enumerate(pools)
        ]

    def _id(self) -> str:
        return self.random.choice(IDS)

    def _timestamp(self) -> str:
        ts = self.random.choice(DAYS) + timedelta(minutes=self.random.randrange(0, 600, 15))
        if self.options.time_format is TimeFormat.EPOCH_NS:
            return str((ts - EPOCH) // timedelta(microseconds=1) * 1000)
        if self.options.time_format is not TimeFormat.ISO8601:
            return str(
                round((ts - EPOCH) / timedelta(seconds=1) * PER_SECOND[self.options.time_format])
            )
        local = ts.astimezone(ZoneInfo(self.options.time_zone))
        separator = self.random.choice("T ")
        if self.random.random() < 0.3:
            return local.isoformat(separator)
        # Of the hour that the clock skips, some timestamps name none.
        naive = (
            local.replace(tzinfo=None) if self.random.random() < 0.9 else ts.replace(tzinfo=None)
        )
        return naive.isoformat(separator)

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
