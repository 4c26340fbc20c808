"""Whether the ratios of `bench watch` are those of the committed results.

Ratios are compared, because absolute figures are the machine's. Each has a spread, the distance of
its quartiles over the turns, in which other work on the machine shows. A figure has changed if it
is slower or faster by more than both spreads together, and by more than LEAST_CHANGE.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from statistics import quantiles
from typing import Any

from rich.table import Table

from bench.measure import Result
from bench.runs import RESULTS, console

# The last file of results that is accepted; git has the earlier ones.
COMMITTED = RESULTS / "watch.json"
LEAST_CHANGE = 0.05
# Where more is allowed, that nothing has changed says little.
MOST_ALLOWED = 0.5
LOWER_IS_BETTER = frozenset({"ms", "s"})


class Verdict(StrEnum):
    """How a figure is now."""

    SAME = "same"
    BETTER = "better"
    WORSE = "WORSE"
    NOISY = "too noisy to tell"
    NEW = "new"


@dataclass(frozen=True)
class Ratio:
    """A ratio over its turns: the median, and the distance of the quartiles as a part of it."""

    median: float
    spread: float

    @classmethod
    def of(cls, ratios: Sequence[float]) -> "Ratio":
        """Of the turns, two at least."""
        first, middle, third = quantiles(ratios, n=4, method="inclusive")
        return cls(middle, (third - first) / middle)


@dataclass(frozen=True)
class Comparison:
    """A figure before, None if there was none, and now."""

    name: str
    before: Ratio | None
    now: Ratio
    lower_is_better: bool

    @property
    def gain(self) -> float:
        """How many times as good it is as before; 0.5 is twice the time, or half of the rate."""
        if self.before is None:
            return 1.0
        factor = self.now.median / self.before.median
        return 1 / factor if self.lower_is_better else factor

    @property
    def allowed(self) -> float:
        """By which part it may be faster or slower without having changed."""
        before = self.before.spread if self.before else 0.0
        return max(LEAST_CHANGE, before + self.now.spread)

    @property
    def verdict(self) -> Verdict:
        """What the change is."""
        if self.before is None:
            return Verdict.NEW
        if self.gain > 1 + self.allowed:
            return Verdict.BETTER
        if 1 / self.gain > 1 + self.allowed:
            return Verdict.WORSE
        return Verdict.SAME if self.allowed <= MOST_ALLOWED else Verdict.NOISY


def committed(file: Path = COMMITTED) -> Mapping[str, Ratio]:
    """The ratios of a file of results by the names of their scenarios."""
    results: list[dict[str, Any]] = json.loads(file.read_text())["results"]
    return {
        result["scenario"]: Ratio.of(result["series"]["ratios"])
        for result in results
        if "ratios" in result["series"]
    }


def compare(results: Iterable[Result], before: Mapping[str, Ratio]) -> list[Comparison]:
    """Those of the results that have the ratio of each turn, two at least."""
    return [
        Comparison(
            result.scenario,
            before.get(result.scenario),
            Ratio.of(result.series["ratios"]),
            result.unit in LOWER_IS_BETTER,
        )
        for result in results
        if len(result.series.get("ratios", ())) > 1
    ]


def print_comparisons(comparisons: Iterable[Comparison]) -> None:
    """A table of before and now."""
    table = Table("ratio", "before", "now", "change", "allowed", "verdict", box=None)
    for each in comparisons:
        table.add_row(
            each.name,
            _text(each.before) if each.before else "-",
            _text(each.now),
            _change(each.gain) if each.before else "-",
            f"{1 + each.allowed:.2f}",
            each.verdict,
        )
    console.print(table)
    console.print(f"before: {COMMITTED}")


def _change(gain: float) -> str:
    return f"{gain:.2f} x faster" if gain >= 1 else f"{1 / gain:.2f} x slower"


def _text(ratio: Ratio) -> str:
    return f"{ratio.median:.2f} ± {ratio.spread:.0%}"
