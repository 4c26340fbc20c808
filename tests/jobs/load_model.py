"""A reference model: a file is loaded row by row into a dictionary."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tests.jobs.support import ImportCounts

Key = tuple[str, str]


@dataclass(frozen=True)
class Row:
    """A line of a file: a reading, or one that must be rejected when `bad`, or blank (None key).

    One to be skipped holds no reading, and is no error.
    """

    key: Key | None
    value: float = 0
    bad: bool = False
    skipped: bool = False

    @property
    def text(self) -> str:
        if self.key is None:
            return "\n"
        return f"{self.key[0]},{self.key[1]},{'x' if self.bad else self.value}\n"


def load_row_by_row(
    stored: Mapping[Key, float], rows: Iterable[Row], on_conflict: str = "replace"
) -> tuple[dict[Key, float], ImportCounts]:
    """The table afterwards, and the row counts of the load."""
    table, counts = dict(stored), ImportCounts()
    for row in rows:
        if row.key is None:
            continue
        outcome = outcome_of_row(table, row, on_conflict)
        counts = counted(counts, outcome)
        if outcome in {"inserted", "replaced"}:
            table[row.key] = row.value
    return table, counts


def outcome_of_row(table: Mapping[Key, float], row: Row, on_conflict: str) -> str:
    if row.bad or row.key is None:
        return "rejected"
    if row.skipped:
        return "skipped"
    if row.key not in table:
        return "inserted"
    if table[row.key] == row.value:
        return "unchanged"
    return {"replace": "replaced", "skip": "unchanged", "error": "rejected"}[on_conflict]


def counted(counts: ImportCounts, name: str) -> ImportCounts:
    return replace(counts, read=counts.read + 1, **{name: getattr(counts, name) + 1})
