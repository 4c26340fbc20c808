"""What a file of rows has: its columns, and how a row is an object of JSON."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Generic, TypeVar

from msgspec import Struct

Row = TypeVar("Row")


class Kind(Enum):
    """The type of a column's values."""

    TEXT = auto()
    TIMESTAMP = auto()
    INTEGER = auto()
    NUMBER = auto()


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """A column, whose values `get` takes from rows; timestamps are shown as in `zone`."""

    name: str
    kind: Kind
    get: Callable[[Row], Any]
    nullable: bool = False
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Table(Generic[Row]):
    """The columns of rows in files of columns, and their object in a file of JSON objects."""

    columns: Sequence[Column[Row]]
    to_object: Callable[[Row], Struct]
