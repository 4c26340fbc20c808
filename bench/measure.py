"""What a scenario gives back: its own figure, the baseline's from the same run, and their ratio."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Result:
    """Medians over the same number of runs, taken in turns; `unit` says of what."""

    scenario: str
    unit: str
    measured: float
    baseline: float
    baseline_is: str

    @property
    def ratio(self) -> float:
        """Measured over baseline."""
        return self.measured / self.baseline

    def as_json(self) -> dict[str, Any]:
        """All of it, for the result file."""
        return asdict(self) | {"ratio": self.ratio}


async def medians_in_turns(
    runs: int, measured: Callable[[], Awaitable[float]], baseline: Callable[[], Awaitable[float]]
) -> tuple[float, float]:
    """The median of each, both run in turns so that what disturbs one disturbs the other."""
    pairs = [(await measured(), await baseline()) for _ in range(runs)]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)


async def seconds(work: Awaitable[object]) -> float:
    """How long `work` took."""
    start = time.perf_counter()
    await work
    return time.perf_counter() - start
