"""A batch's readings as they are written: one row per key, and counts of the repeated keys.

They are counted as if loaded row by row: the first value of a key is compared with the stored one,
each later value with the one before it, and the last one stays.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import cast

import polars as pl

from core.time import CHUNK_LENGTH, MICROSECOND

# In this order every writer locks readings, so that no two of them deadlock: in SQL the fragment
# key_order. Polars compares texts by their bytes, as COLLATE "C" does.
KEY = ("equipment_id", "ts")

CHUNK = pl.col("ts").dt.epoch("us") // (CHUNK_LENGTH // MICROSECOND)


@dataclass(frozen=True, slots=True)
class StagedBatch:
    """`rows` (equipment_id, ts, first_value, last_value) in order of KEY, and counts of repeats."""

    rows: pl.DataFrame
    replaced_within_batch: int
    unchanged_within_batch: int

    @property
    def readings(self) -> int:
        """How many readings were staged, repeated keys included."""
        return self.rows.height + self.replaced_within_batch + self.unchanged_within_batch

    @property
    def first_ts(self) -> datetime | None:
        """The earliest timestamp, if there is any row."""
        return cast("datetime | None", self.rows["ts"].min())

    @property
    def last_ts(self) -> datetime | None:
        """The latest timestamp, if there is any row."""
        return cast("datetime | None", self.rows["ts"].max())

    @property
    def ts_bounds(self) -> dict[str, datetime | None]:
        """Both, as the parameters of a query."""
        return {"first_ts": self.first_ts, "last_ts": self.last_ts}

    def ts_bounds_by_chunk(self) -> pl.DataFrame:
        """The first and the last timestamp (first_ts, last_ts) in each chunk that has any."""
        bounds = self.rows.group_by(chunk=CHUNK).agg(
            first_ts=pl.col("ts").min(), last_ts=pl.col("ts").max()
        )
        return bounds.select("first_ts", "last_ts")

    def days(self) -> list[tuple[str, date]]:
        """Each equipment id with each UTC day on which it has a row."""
        return self.rows.select("equipment_id", day=pl.col("ts").dt.date()).unique().rows()


def stage(readings: pl.DataFrame) -> StagedBatch:
    """Stage readings (equipment_id, ts, value) that are in file order."""
    repeats = pl.all_horizontal(
        pl.col(name).eq(pl.col(name).shift(1)).fill_null(False) for name in KEY
    )
    ordered = readings.sort(KEY, maintain_order=True).with_columns(
        repeats=repeats, changes=pl.col("value").ne(pl.col("value").shift(1))
    )
    ends = ~pl.col("repeats").shift(-1, fill_value=False)
    firsts = ordered.filter(~pl.col("repeats")).select(*KEY, first_value="value")
    lasts = ordered.filter(ends).select(last_value="value")
    replaced = ordered.filter(pl.col("repeats") & pl.col("changes")).height
    return StagedBatch(firsts.hstack(lasts), replaced, readings.height - firsts.height - replaced)


def shares_keys(one: StagedBatch, other: StagedBatch) -> bool:
    """Whether some key is in both."""
    overlapping = other.rows.filter(pl.col("ts").is_between(one.first_ts, one.last_ts))
    return not overlapping.join(one.rows, on=KEY, how="semi").is_empty()
