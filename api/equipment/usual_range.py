"""The usual range of equipment, by Tukey's fences (Exploratory Data Analysis, 1977)."""

from collections.abc import Sequence
from dataclasses import dataclass

USUAL_DAYS = 30
MIN_USUAL_DAYS = 7
FENCE_IN_QUARTILE_RANGES = 1.5


@dataclass(frozen=True, slots=True)
class UsualRange:
    """A last value outside of it is unusual; None where too few days are known."""

    minimum: float | None
    maximum: float | None


def usual_range(minima: Sequence[float], maxima: Sequence[float]) -> UsualRange:
    """The range by the first and third quartile of daily minima and those of daily maxima."""
    return UsualRange(
        minimum=minima[0] - FENCE_IN_QUARTILE_RANGES * (minima[1] - minima[0]),
        maximum=maxima[1] + FENCE_IN_QUARTILE_RANGES * (maxima[1] - maxima[0]),
    )
