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
    stored: Mapping[Key, float], rows: Iterable[Row]
) -> tuple[dict[Key, float], Account]:
    """What the table holds afterwards, and the account of the load."""
    table, account = dict(stored), Account()
    for row in rows:
        if row.key is None:
            continue
        account = counted(account, fate(table, row))
        if not row.bad:
            table[row.key] = row.value
    return table, account


def fate(table: Mapping[Key, float], row: Row) -> str:
    if row.bad or row.key is None:
        return "rejected"
    if row.key not in table:
        return "inserted"
    return "unchanged" if table[row.key] == row.value else "replaced"


def counted(account: Account, name: str) -> Account:
    return replace(account, read=account.read + 1, **{name: getattr(account, name) + 1})
