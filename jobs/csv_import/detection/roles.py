"""Which columns of a table hold ids, timestamps and values."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from core.imports import COLUMNS, EQUIPMENT_ID, TIMESTAMP, VALUE, ImportOptions
from jobs.csv_import.detection.cells import decimal_mark, is_time_like, mostly
from jobs.csv_import.detection.names import is_alias, looks_like
from jobs.csv_import.detection.table import Table

Positions = Sequence[int]
Named = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The columns of a table by what their cells look like."""

    timestamps: Positions
    numbers: Positions
    texts: Positions

    @classmethod
    def of(cls, table: Table) -> "Candidates":
        """Each column of the table is of one kind, those without any cell of none."""
        timestamps, numbers, texts = [], [], []
        for position in range(len(table.names)):
            cells = [cell for cell in table.cells(position) if cell]
            if mostly(map(is_time_like, cells)):
                timestamps.append(position)
            elif decimal_mark(cells):
                numbers.append(position)
            elif cells:
                texts.append(position)
        return cls(timestamps, numbers, texts)


def find_roles(table: Table, options: ImportOptions) -> Iterator[dict[str, int]]:
    """The positions of COLUMNS, likeliest first; more than one where the file does not tell."""
    kinds = Candidates.of(table)
    timestamps = _pick(TIMESTAMP, kinds.timestamps, table, options)
    others = [*kinds.numbers, *kinds.texts]
    unnamed = kinds.texts or ([] if table.header else kinds.numbers)
    ids = _named(EQUIPMENT_ID, others, table, options) or unnamed
    values = _pick(VALUE, kinds.numbers, table, options) or _named(VALUE, others, table, options)
    for chosen in product(ids, timestamps, values):
        if len({*chosen}) == len(COLUMNS):
            yield dict(zip(COLUMNS, chosen, strict=True))


def _pick(column: str, candidates: Positions, table: Table, options: ImportOptions) -> Positions:
    """Those of the candidates that are named so, else all."""
    return _named(column, candidates, table, options) or candidates


def _named(column: str, candidates: Positions, table: Table, options: ImportOptions) -> Positions:
    """The column that the options name, else those of the candidates with a usual name for it."""
    if column in options.column_names:
        return [n for n, name in enumerate(table.names) if name == options.column_names[column]]
    if not table.header:
        return []
    matches: tuple[Named, ...] = (is_alias, looks_like)
    groups = ([n for n in candidates if match(column, table.names[n])] for match in matches)
    return next(filter(None, groups), [])
