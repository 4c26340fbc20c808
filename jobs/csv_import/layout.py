"""How the lines of a file split, and which of its columns are wanted."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from core.imports import EQUIPMENT_ID, TIMESTAMP, VALUE, ImportFault, ImportOptions, Remedy
from jobs.errors import FileFaultError

# The names a column may have if the options give none, in upper or lower case. With an underscore
# they are InfluxDB's.
COLUMN_ALIASES = {
    EQUIPMENT_ID: ("equipmentId", "equipment_id", "sensor", "device"),
    TIMESTAMP: ("timestamp", "time", "ts", "_time"),
    VALUE: ("value", "reading", "_value"),
}

QUOTED_CHARACTERS = 80


class Sensor(NamedTuple):
    """A column of a wide file: its position, its name, and the equipment id made of that."""

    position: int
    name: str
    equipment_id: str


@dataclass(frozen=True, slots=True)
class Layout:
    """How a line splits: into `width` fields, among which each of COLUMNS has its position.

    So has TIME_OF_DAY if timestamps are in two columns. `names` are the file's own for them. The
    first `lines_above` lines are no rows. A wide file has `sensors`, and only a timestamp besides.
    """

    delimiter: str
    width: int
    positions: Mapping[str, int]
    names: Mapping[str, str] = field(default_factory=dict, compare=False)
    lines_above: int = 1
    sensors: Sequence[Sensor] = ()

    @property
    def of_rejects(self) -> "Layout":
        """How the text of a rejected row splits; of a wide file it is a timestamp and a cell."""
        if not self.sensors:
            return self
        return Layout(self.delimiter, 2, {TIMESTAMP: 0, VALUE: 1})


def field_pattern(delimiter: str) -> str:
    """Matches a quoted field, with quotes inside doubled, or one without any quote."""
    return f'"(?:[^"]|"")*"|[^"{delimiter}]*'


def split_line(line: str, delimiter: str) -> list[str]:
    """The fields of a line, without quotes and blanks around them; none if a quote is misplaced."""
    pattern = f"(?:^|{re.escape(delimiter)})({field_pattern(delimiter)})"
    if re.sub(pattern, "", line).strip():
        return []
    return [_unquoted(field.strip()) for field in re.findall(pattern, line)]


def match_columns(names: Sequence[str], options: ImportOptions) -> dict[str, int] | None:
    """The position of each wanted column among the names of a file's columns; None: one is missing.

    Raises FileFaultError: `ambiguous_header`.
    """
    matches = {
        column: _positions(names, column, options.column_names) for column in options.wanted_columns
    }
    return _require_single(matches, names, options) if all(matches.values()) else None


def _unquoted(field: str) -> str:
    return field.removeprefix('"').removesuffix('"').replace('""', '"').strip()


def _positions(names: Sequence[str], column: str, mapped: Mapping[str, str]) -> list[int]:
    """The positions of all names that may be the column."""
    if column in mapped:
        return [n for n, name in enumerate(names) if name == mapped[column]]
    aliases = {alias.casefold() for alias in COLUMN_ALIASES[column]}
    return [
        n
        for n, name in enumerate(names)
        if name.casefold() in aliases and name not in mapped.values()
    ]


def _require_single(
    matches: Mapping[str, list[int]], names: Sequence[str], options: ImportOptions
) -> dict[str, int]:
    for column, positions in matches.items():
        if len(positions) > 1:
            raise _ambiguous_header(column, [names[position] for position in positions], options)
    return {column: positions[0] for column, positions in matches.items()}


def _ambiguous_header(column: str, names: Sequence[str], options: ImportOptions) -> FileFaultError:
    alike = len({*names}) < len(names)
    return FileFaultError(
        ImportFault.AMBIGUOUS_HEADER,
        f"More than one column may be {column}: {listed(names)}. Nothing of the file was stored. "
        "Say which one with the option columns, or name no two alike.",
        [] if alike else [Remedy("columns", {**options.columns, column: name}) for name in names],
    )


def listed(names: Iterable[str]) -> str:
    """The names, each cut if it is long."""
    return ", ".join(name[:QUOTED_CHARACTERS] for name in names)
