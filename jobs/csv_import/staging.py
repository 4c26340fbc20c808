"""A batch's readings as they are staged: one row a key, and what repeated keys add to the account.

The account is that of loading row by row: the first value of a key counts against the stored one,
each later value against the one before it, and the last one stays.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

import polars as pl

KEY = ("equipment_id", "ts")


@dataclass(frozen=True, slots=True)
class StagedBatch:
    """`rows` (equipment_id, ts, first_value, last_value) in key order, and the repetitions."""

    rows: pl.DataFrame
    replaced_inside: int
    unchanged_inside: int

    @property
    def first_ts(self) -> datetime | None:
        """The earliest moment, if there is any row."""
        return cast("datetime | None", self.rows["ts"].min())

    @property
    def last_ts(self) -> datetime | None:
        """The latest moment, if there is any row."""
        return cast("datetime | None", self.rows["ts"].max())


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
