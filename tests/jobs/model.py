"""The naive model: a file is loaded row by row into a dictionary."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tests.jobs.support import Account

Key = tuple[str, str]


@dataclass(frozen=True)
class Row:
    """A line of a file: a reading, or one that must be rejected when `bad`, or blank (None key)."""

    key: Key | None
    value: float = 0
    bad: bool = False

    @property
    def text(self) -> str:
        if self.key is None:
            return "\n"
        return f"{self.key[0]},{self.key[1]},{'x' if self.bad else self.value}\n"


def load_row_by_row(
    stored: Mapping[Key, float], rows: Iterable[Row], on_conflict: str = "replace"
) -> tuple[dict[Key, float], Account]:
    """What the table holds afterwards, and the account of the load."""
    table, account = dict(stored), Account()
    for row in rows:
        if row.key is None:
            continue
        fate = fate_of(table, row, on_conflict)
        account = counted(account, fate)
        if fate in {"inserted", "replaced"}:
            table[row.key] = row.value
    return table, account


def fate_of(table: Mapping[Key, float], row: Row, on_conflict: str) -> str:
    if row.bad or row.key is None:
        return "rejected"
    if row.key not in table:
        return "inserted"
    if table[row.key] == row.value:
        return "unchanged"
    return {"replace": "replaced", "skip": "unchanged", "error": "rejected"}[on_conflict]


def counted(account: Account, name: str) -> Account:
    return replace(account, read=account.read + 1, **{name: getattr(account, name) + 1})
