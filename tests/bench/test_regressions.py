"""A regression of the watched figures is told from a noisy machine."""

import pytest

from bench.measure import Result
from bench.regressions import COMMITTED, Comparison, Ratio, Verdict, committed, compare

QUIET = Ratio(1.0, 0.02)


def verdict(before: Ratio | None, now: Ratio, *, lower_is_better: bool = False) -> Verdict:
    return Comparison("a", before, now, lower_is_better).verdict


@pytest.mark.parametrize(
    ("now", "expected"),
    [(1.04, Verdict.SAME), (0.96, Verdict.SAME), (1.2, Verdict.BETTER), (0.8, Verdict.WORSE)],
)
def test_a_rate_is_better_if_it_is_higher(now: float, expected: Verdict) -> None:
    assert verdict(QUIET, Ratio(now, 0.02)) is expected


def test_a_time_is_better_if_it_is_lower() -> None:
    assert verdict(QUIET, Ratio(0.8, 0.02), lower_is_better=True) is Verdict.BETTER
    assert verdict(QUIET, Ratio(1.2, 0.02), lower_is_better=True) is Verdict.WORSE


def test_what_both_spreads_explain_is_no_change() -> None:
    slower = 0.8  # 1.25 times slower
    assert verdict(Ratio(1.0, 0.2), Ratio(slower, 0.1)) is Verdict.SAME
    assert verdict(Ratio(1.0, 0.1), Ratio(slower, 0.1)) is Verdict.WORSE


def test_a_noisy_machine_hides_small_changes_only() -> None:
    noisy = 0.6
    assert verdict(QUIET, Ratio(0.9, noisy)) is Verdict.NOISY
    assert verdict(QUIET, Ratio(0.3, noisy)) is Verdict.WORSE


def test_a_figure_that_was_not_there_before_is_no_regression() -> None:
    assert verdict(None, QUIET) is Verdict.NEW


def test_the_spread_is_the_distance_of_the_quartiles() -> None:
    ratio = Ratio.of([0.9, 1.0, 1.1, 9.0, 0.1])
    assert (ratio.median, round(ratio.spread, 6)) == (1.0, 0.2)


def test_only_results_with_the_ratios_of_several_turns_are_compared() -> None:
    watched = Result("a", "ms", 2, 1, "b", series={"ratios": [2.0, 2.0, 2.0]})
    once = Result("b", "ms", 2, 1, "b", series={"ratios": [2.0]})
    other = Result("c", "ms", 2, 1, "b")
    (comparison,) = compare([watched, once, other], {"a": QUIET})
    assert comparison == Comparison("a", QUIET, Ratio(2.0, 0.0), lower_is_better=True)
    assert comparison.verdict is Verdict.WORSE


def test_the_committed_results_have_the_five_figures() -> None:
    assert set(committed(COMMITTED)) == {
        "watch, import",
        "watch, batches",
        "watch, single POST",
        "watch, all equipment, 24h",
        "watch, one equipment, 1m",
    }
