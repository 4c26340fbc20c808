"""The rows of one request after validation: the readings, and why the other rows are none."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from api.http.problem_details import FieldProblem, InvalidRequestError, RejectedBatchError
from api.readings.errors import below_retention
from core.errors import SensorFlowError
from core.readings import Reading

MAX_LISTED_PROBLEMS = 100


@dataclass(slots=True)
class ValidatedRows:
    """Readings with the indexes of their rows; rejects counted by code, the first ones listed."""

    readings: list[Reading] = field(default_factory=list)
    indexes: list[int] = field(default_factory=list)
    codes: Counter[str] = field(default_factory=Counter)
    problems: list[FieldProblem] = field(default_factory=list)

    @property
    def rejected(self) -> int:
        """How many rows are rejected."""
        return self.codes.total()

    @property
    def read(self) -> int:
        """How many rows there were."""
        return len(self.readings) + self.rejected

    def accept(self, index: int, reading: Reading) -> None:
        """Add the reading of a row."""
        self.readings.append(reading)
        self.indexes.append(index)

    def accept_all(self, indexes: Iterable[int], readings: Sequence[Reading]) -> None:
        """Add the readings of rows, each with its row's index."""
        self.readings += readings
        self.indexes += indexes

    def reject(self, index: int, error: SensorFlowError) -> None:
        """Count a row under the error's code, and list its problem if few are listed so far."""
        self.codes[error.code] += 1
        if len(self.problems) < MAX_LISTED_PROBLEMS:
            problems = error.problems if isinstance(error, InvalidRequestError) else []
            fields = ", ".join(problem.field for problem in problems) or "row"
            self.problems.append(FieldProblem(fields, error.code, error.message, index))

    def rejecting_below(self, horizon: datetime | None) -> "ValidatedRows":
        """The same rows, with readings below the horizon rejected."""
        if horizon is None:
            return self
        below = [position for position, reading in enumerate(self.readings) if reading.ts < horizon]
        return self.rejecting(below, below_retention(horizon))

    def rejecting(self, positions: Collection[int], error: SensorFlowError) -> "ValidatedRows":
        """The same rows, with the readings at these positions of the list rejected."""
        if not positions:
            return self
        rows = ValidatedRows(codes=self.codes.copy(), problems=self.problems.copy())
        rejected = set(positions)
        for position, (index, reading) in enumerate(zip(self.indexes, self.readings, strict=True)):
            if position in rejected:
                rows.reject(index, error)
            else:
                rows.accept(index, reading)
        return rows

    def require_all(self) -> None:
        """Raise RejectedBatchError if any row is rejected."""
        if self.rejected:
            raise RejectedBatchError(
                self.codes, self.problems, read=self.read, rejected=self.rejected
            )
