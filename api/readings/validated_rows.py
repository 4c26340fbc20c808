"""The rows of one request after validation: the readings, and why the other rows are none."""

import asyncio
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from api.http.problem_details import FieldProblem, InvalidRequestError, RejectedBatchError
from api.readings.errors import below_retention
from api.readings.slices import SLICE_ROWS, in_slices
from core.errors import SensorFlowError
from core.readings import ReadingRow

MAX_LISTED_PROBLEMS = 100


@dataclass(slots=True)
class ValidatedRows:
    """Readings with the indexes of their rows; rejects counted by code, the first ones listed."""

    readings: list[ReadingRow] = field(default_factory=list)
    indexes: "array[int]" = field(default_factory=lambda: array("q"))
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

    def accept(self, index: int, reading: ReadingRow) -> None:
        """Add the reading of a row."""
        self.readings.append(reading)
        self.indexes.append(index)

    def accept_all(self, indexes: Iterable[int], readings: Sequence[ReadingRow]) -> None:
        """Add the readings of rows, each with its row's index."""
        self.readings += readings
        self.indexes.extend(indexes)

    def reject(self, index: int, error: SensorFlowError) -> None:
        """Count a row under the error's code, and list its problem if few are listed so far."""
        self.codes[error.code] += 1
        if len(self.problems) < MAX_LISTED_PROBLEMS:
            problems = error.problems if isinstance(error, InvalidRequestError) else []
            fields = ", ".join(problem.field for problem in problems) or "row"
            self.problems.append(FieldProblem(fields, error.code, error.message, index))

    async def rejecting_below(self, horizon: datetime | None) -> "ValidatedRows":
        """The same rows, with readings below the horizon rejected."""
        if horizon is None:
            return self
        below = [
            position
            async for first, some in in_slices(self.readings)
            for position, (_, ts, _) in enumerate(some, first)
            if ts < horizon
        ]
        return await self.rejecting(below, below_retention(horizon))

    async def rejecting(
        self, positions: Collection[int], error: SensorFlowError
    ) -> "ValidatedRows":
        """The same rows, with the readings at these positions of the list rejected."""
        if not positions:
            return self
        rows = ValidatedRows(codes=self.codes.copy(), problems=self.problems.copy())
        rejected = set(positions)
        async for first, some in in_slices(self.readings):
            for position, reading in enumerate(some, first):
                if position in rejected:
                    rows.reject(self.indexes[position], error)
                else:
                    rows.accept(self.indexes[position], reading)
        return rows

    async def release(self) -> None:
        """Forget the readings: freed all at once, they would hold up other requests."""
        while self.readings:
            del self.readings[-SLICE_ROWS:]
            await asyncio.sleep(0)

    def require_all(self) -> None:
        """Raise RejectedBatchError if any row is rejected."""
        if self.rejected:
            raise RejectedBatchError(
                self.codes, self.problems, read=self.read, rejected=self.rejected
            )
