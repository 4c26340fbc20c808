"""What happens to the platform in a random order, and the ranges that are asked for."""

from dataclasses import dataclass
from datetime import timedelta

from hypothesis import strategies as st

# Around the two limits of the rollups (15 and 30 minutes ago), across days, chunks and windows.
AGES = st.one_of(
    st.integers(0, 24).map(lambda n: timedelta(minutes=10 * n)),
    st.integers(0, 40 * 24).map(lambda n: timedelta(hours=n)),
)
# Eighths add up without rounding in any order, so equal means equal.
READINGS = st.tuples(
    st.sampled_from(["A", "B", "C"]), AGES, st.integers(-8_000, 8_000).map(lambda n: n / 8)
)


@dataclass(frozen=True)
class Post:
    reading: tuple[str, timedelta, float]


@dataclass(frozen=True)
class Import:
    readings: list[tuple[str, timedelta, float]]


@dataclass(frozen=True)
class Refresh:
    """The worker's."""


@dataclass(frozen=True)
class Policy:
    """The database's own refresh policy, which knows nothing of the ledger."""

    rollup: str


@dataclass(frozen=True)
class Roll:
    """The worker's, of partial hours."""


@dataclass(frozen=True)
class PostAtSeam:
    """A reading so many microseconds past the end of partial hours."""

    offset: int
    value: float


@dataclass(frozen=True)
class Compact:
    """The worker's, which compacts the ledger of changes."""


Step = Post | PostAtSeam | Import | Refresh | Roll | Policy | Compact
STEPS = st.one_of(
    st.builds(Post, READINGS),
    st.builds(Import, st.lists(READINGS, min_size=1, max_size=12)),
    st.builds(PostAtSeam, st.sampled_from([-1, 0, 1]), READINGS.map(lambda reading: reading[2])),
    st.builds(Refresh),
    st.builds(Roll),
    st.builds(Policy, st.sampled_from(["readings_1h", "readings_1d"])),
    st.builds(Compact),
)


@dataclass(frozen=True)
class RangeQuery:
    """A range, by its age and length, and the other parameters."""

    resolution: str
    zone: str | None
    age: timedelta
    length: timedelta
    grouping: str
    equipment: list[str]
    limit: int
    fill: str
    compare: str | None


WIDTHS = {
    "1m": timedelta(minutes=1),
    "5m": timedelta(minutes=5),
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
}
LONGEST = {"1m": 1, "5m": 7, "15m": 31, "1h": 31, "1d": 42}
# Lord Howe changes by half an hour: the database cuts the hours around it in another way.
ZONES = {
    "1h": [None, "America/New_York", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia"],
    "1d": [None, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"],
}
EQUIPMENT: list[list[str]] = [[], ["A"], ["A", "C"], ["B*"], ["*", "A"]]


@st.composite
def range_queries(draw: st.DrawFn) -> RangeQuery:
    resolution = draw(st.sampled_from(list(WIDTHS)))
    fill = draw(st.sampled_from(["none", "none", "null", "previous", "linear"]))
    length = timedelta(minutes=draw(st.integers(1, LONGEST[resolution] * 24 * 60)))
    age = timedelta(minutes=draw(st.integers(-60, 40 * 24 * 60)))
    return RangeQuery(
        resolution,
        draw(st.sampled_from(ZONES.get(resolution, [None]))),
        max(age, length - timedelta(hours=1)),
        length,
        draw(st.sampled_from(["equipment", "all"])),
        draw(st.sampled_from(EQUIPMENT)),
        3 if fill == "none" and draw(st.booleans()) else 2_000,
        fill,
        draw(st.sampled_from([None, None, "previous", "1w", "1y"])),
    )
