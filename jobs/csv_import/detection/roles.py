"""Which columns of a table hold ids, timestamps and values."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import product

from core.imports import EQUIPMENT_ID, TIME_OF_DAY, TIMESTAMP, VALUE, ImportOptions
from jobs.csv_import.detection.cells import (
    decimal_mark,
    is_bare_date,
    is_clock_like,
    is_time_like,
    mostly,
    stands_for_none,
)
from jobs.csv_import.detection.names import is_alias, is_counter, looks_like
from jobs.csv_import.detection.table import Table

Positions = Sequence[int]
Named = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The columns of a table by what their cells look like.

    In those of `nothing` each cell is empty or may say that there is no value.
    """

    timestamps: Positions
    clocks: Positions
    numbers: Positions
    texts: Positions
    nothing: Positions

    @classmethod
    def of(cls, table: Table) -> "Candidates":
        """Each column of the table is of one kind, those that count rows of none."""
        kinds: dict[str, list[int]] = {each.name: [] for each in fields(cls)}
        for position, name in enumerate(table.names):
            if not is_counter(name):
                kinds[_kind(table.cells(position))].append(position)
        return cls(**kinds)


def _kind(cells: Sequence[str]) -> str:
    present = [cell for cell in cells if cell]
    if all(map(stands_for_none, present)):
        return "nothing"
    if mostly(map(is_time_like, present)):
        return "timestamps"
    if mostly(map(is_clock_like, present)):
        return "clocks"
    return "numbers" if decimal_mark(present) else "texts"


@dataclass(frozen=True, slots=True)
class Roles:
    """Positions of COLUMNS, and of TIME_OF_DAY where dates stand alone beside a column of times.

    A wide table has no other than these two of timestamps, and its `sensors`.
    """

    positions: dict[str, int]
    sensors: Positions = ()


def find_roles(table: Table, options: ImportOptions) -> Iterator[Roles]:
    """What the columns may be, likeliest first; several where the file does not tell."""
    kinds = Candidates.of(table)
    ids = _named(EQUIPMENT_ID, [*kinds.numbers, *kinds.texts], table, options)
    full = [position for position in kinds.texts if all(table.cells(position))]
    timestamps = [
        _with_clock(position, kinds.clocks, table, options)
        for position in _pick(TIMESTAMP, kinds.timestamps, table, options)
    ]
    has_id = ids or (full and _has_one_value(kinds, table, options))
    if table.header and not has_id:
        yield from (Roles(positions, _sensors(kinds, table)) for positions in timestamps)
    if not options.is_wide:
        unnamed = full or ([] if table.header else kinds.numbers)
        yield from _long(ids or unnamed, timestamps, kinds, table, options)


def _long(
    ids: Positions,
    timestamps: Sequence[dict[str, int]],
    kinds: Candidates,
    table: Table,
    options: ImportOptions,
) -> Iterator[Roles]:
    """One value a row."""
    values = _pick(VALUE, kinds.numbers, table, options) or _named(
        VALUE, [*kinds.nothing, *kinds.texts], table, options
    )
    for equipment_id, times, value in product(ids, timestamps, values):
        positions = {EQUIPMENT_ID: equipment_id, **times, VALUE: value}
        if len({*positions.values()}) == len(positions):
            yield Roles(positions)


def _has_one_value(kinds: Candidates, table: Table, options: ImportOptions) -> bool:
    """Whether one column of numbers is the value's by its name, or as the only one."""
    return len(_pick(VALUE, kinds.numbers, table, options)) == 1


def _sensors(kinds: Candidates, table: Table) -> Positions:
    """The columns of numbers, and of nothing, that have a name."""
    return [
        position for position in sorted([*kinds.numbers, *kinds.nothing]) if table.names[position]
    ]


def _with_clock(
    timestamp: int, clocks: Positions, table: Table, options: ImportOptions
) -> dict[str, int]:
    """The column of timestamps, and that of their times if it has only dates."""
    times = _pick(TIME_OF_DAY, clocks, table, options)
    dates_alone = mostly(map(is_bare_date, filter(None, table.cells(timestamp))))
    return {TIMESTAMP: timestamp} | ({TIME_OF_DAY: times[0]} if times and dates_alone else {})


def _pick(column: str, candidates: Positions, table: Table, options: ImportOptions) -> Positions:
    """Those of the candidates that are named so, else all."""
    return _named(column, candidates, table, options) or candidates


def _named(column: str, candidates: Positions, table: Table, options: ImportOptions) -> Positions:
    """The column that the options name, else those of the candidates with a usual name for it."""
    if column in options.column_names:
        return [n for n, name in enumerate(table.names) if name == options.column_names[column]]
    if not table.header or column == TIME_OF_DAY:
        return []
    matches: tuple[Named, ...] = (is_alias, looks_like)
    groups = ([n for n in candidates if match(column, table.names[n])] for match in matches)
    return next(filter(None, groups), [])
