"""Which columns of a table hold ids, timestamps and values."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from core.imports import COLUMNS, EQUIPMENT_ID, TIME_OF_DAY, TIMESTAMP, VALUE, ImportOptions
from jobs.csv_import.detection.cells import (
    decimal_mark,
    is_bare_date,
    is_clock_like,
    is_time_like,
    mostly,
)
from jobs.csv_import.detection.names import is_alias, looks_like
from jobs.csv_import.detection.table import Table

Positions = Sequence[int]
Named = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The columns of a table by what their cells look like."""

    timestamps: Positions
    clocks: Positions
    numbers: Positions
    texts: Positions

    @classmethod
    def of(cls, table: Table) -> "Candidates":
        """Each column of the table is of one kind, those without any cell of none."""
        timestamps, clocks, numbers, texts = [], [], [], []
        for position in range(len(table.names)):
            cells = [cell for cell in table.cells(position) if cell]
            if mostly(map(is_time_like, cells)):
                timestamps.append(position)
            elif mostly(map(is_clock_like, cells)):
                clocks.append(position)
            elif decimal_mark(cells):
                numbers.append(position)
            elif cells:
                texts.append(position)
        return cls(timestamps, clocks, numbers, texts)


def find_roles(table: Table, options: ImportOptions) -> Iterator[dict[str, int]]:
    """The positions of COLUMNS, likeliest first; several where the file does not tell.

    There is one of TIME_OF_DAY too where dates stand alone, beside a column of times.
    """
    kinds = Candidates.of(table)
    timestamps = _pick(TIMESTAMP, kinds.timestamps, table, options)
    others = [*kinds.numbers, *kinds.texts]
    unnamed = kinds.texts or ([] if table.header else kinds.numbers)
    ids = _named(EQUIPMENT_ID, others, table, options) or unnamed
    values = _pick(VALUE, kinds.numbers, table, options) or _named(VALUE, others, table, options)
    clocks = _pick(TIME_OF_DAY, kinds.clocks, table, options)
    for chosen in product(ids, timestamps, values):
        if len({*chosen}) == len(COLUMNS):
            positions = dict(zip(COLUMNS, chosen, strict=True))
            dates_alone = mostly(map(is_bare_date, filter(None, table.cells(positions[TIMESTAMP]))))
            yield positions | ({TIME_OF_DAY: clocks[0]} if clocks and dates_alone else {})


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
