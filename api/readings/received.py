"""What of the rows of one request is readings, and why the others are not."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from api.http.problem_details import FieldProblem, InvalidRequestError, RejectedBatchError
from api.readings.errors import below_retention
from core.errors import SensorFlowError
from core.readings import Reading

LISTED_PROBLEMS = 100


@dataclass(slots=True)
class Received:
    """Readings, each with its row's index; the rest counted by code, the first of them named."""

    readings: list[Reading] = field(default_factory=list)
    indexes: list[int] = field(default_factory=list)
    codes: Counter[str] = field(default_factory=Counter)
    problems: list[FieldProblem] = field(default_factory=list)

    @property
    def rejected(self) -> int:
        """How many are none."""
        return self.codes.total()

    @property
    def read(self) -> int:
        """How many there were."""
        return len(self.readings) + self.rejected

    def accept(self, index: int, reading: Reading) -> None:
        """Take one in."""
        self.readings.append(reading)
        self.indexes.append(index)

    def accept_all(self, first: int, readings: Sequence[Reading]) -> None:
        """Take in those of consecutive rows."""
        self.readings += readings
        self.indexes += range(first, first + len(readings))

    def reject(self, index: int, error: SensorFlowError) -> None:
        """Note why a row is none."""
        self.codes[error.code] += 1
        if len(self.problems) < LISTED_PROBLEMS:
            problems = error.problems if isinstance(error, InvalidRequestError) else []
            fields = ", ".join(problem.field for problem in problems) or "row"
            self.problems.append(FieldProblem(fields, error.code, error.message, index))

    def above(self, horizon: datetime | None) -> "Received":
        """The same with readings below the horizon rejected."""
        if horizon is None:
            return self
        below = [place for place, reading in enumerate(self.readings) if reading.ts < horizon]
        return self.without(below, below_retention(horizon))

    def without(self, places: Collection[int], error: SensorFlowError) -> "Received":
        """The same with the readings in these places of the list rejected."""
        if not places:
            return self
        out = Received(codes=self.codes.copy(), problems=self.problems.copy())
        leaving = set(places)
        for place, (index, reading) in enumerate(zip(self.indexes, self.readings, strict=True)):
            if place in leaving:
                out.reject(index, error)
            else:
                out.accept(index, reading)
        return out

    def require_all(self) -> None:
        """Raise RejectedBatchError if any row is rejected."""
        if self.rejected:
            raise RejectedBatchError(
                self.codes, self.problems, read=self.read, rejected=self.rejected
            )
