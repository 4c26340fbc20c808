"""What the systems that are compared have in common."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TypeAlias

from bench.tsbs.data import Data
from bench.tsbs.questions import Question

# An id, '' for all of them together; seconds since the epoch; a value, of gaps their seconds.
Row: TypeAlias = tuple[str, float, float]


class System(ABC):
    """A system with the same readings; its answers are timed, and compared as rows."""

    name: str

    @abstractmethod
    async def load(self, data: Data) -> None:
        """Store the readings."""

    @abstractmethod
    def statement(self, question: Question) -> str | None:
        """The question in the system's language; None: it cannot be asked."""

    @abstractmethod
    async def answer(self, statement: str) -> Any:
        """The answer as received: bytes that are not parsed, or rows of a driver."""

    @abstractmethod
    def rows(self, question: Question, answer: Any) -> Iterable[Row]:
        """An answer in rows, for comparing."""


def epoch(moment: datetime) -> float:
    """Seconds since the epoch; a naive one is UTC."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def utc_text(moment: datetime) -> str:
    """As every dialect of SQL reads it as UTC."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")
