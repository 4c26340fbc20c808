"""The readings that every system is loaded with: 1,000 ids, one a minute, the same on every run.

Some ids pause now and then, and one in a hundred has sent nothing for the last day.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from core.time import DAY, utc_now

IDS = 1_000
PERIOD = timedelta(minutes=1)
MINUTES_A_DAY = DAY // PERIOD
MIN_DAYS = 2
SEED = 20_260_116

# One in eight blocks of six hours has a pause of 5 to 44 minutes.
BLOCK_MINUTES = 360
BLOCKS_A_PAUSE = 8
SHORTEST_PAUSE, PAUSE_LENGTHS = 5, 40
SILENT_AFTER_A_DAY = 99

# Values are eighths between 0 and 100, whose sums are exact: each system gets the same averages.
MIDDLE, SWING, NOISE_STEPS = 50, 35, 241


@dataclass(frozen=True)
class Data:
    """Whole days of readings before `end`."""

    end: datetime
    days: int

    @classmethod
    def of_rows(cls, rows: int) -> "Data":
        """As many days up to now as so many rows fill, two at least."""
        end = utc_now().replace(second=0, microsecond=0)
        return cls(end, max(MIN_DAYS, rows // (IDS * MINUTES_A_DAY)))

    @property
    def start(self) -> datetime:
        """The time of the first readings."""
        return self.end - self.days * DAY

    def frame(self) -> pl.DataFrame:
        """equipment_id, ts and value, in order of time."""
        return (
            pl.select(number=pl.int_range(self.days * MINUTES_A_DAY * IDS))
            .lazy()
            .select(id=pl.col("number") % IDS, minute=pl.col("number") // IDS)
            .filter(~_paused(), ~self._silent())
            .select(
                equipment_id=pl.format("EQ-{}", pl.col("id").cast(pl.String).str.zfill(4)),
                ts=pl.lit(self.start) + pl.duration(minutes=pl.col("minute")),
                value=_value(),
            )
            .collect()
        )

    def _silent(self) -> pl.Expr:
        last_day = pl.col("minute") >= (self.days - 1) * MINUTES_A_DAY
        return (pl.col("id") % 100 == SILENT_AFTER_A_DAY) & last_day


def equipment(number: int) -> str:
    """The id of that number, of any whole number."""
    return f"EQ-{number % IDS:04d}"


def _random(second: pl.Expr) -> pl.Expr:
    """A number for each id and `second`, from 0 to 2**31 - 2."""
    modulus = 2**31 - 1
    mixed = (pl.col("id") * 7_919 + second * 104_729 + SEED) % modulus
    return mixed * 48_271 % modulus * 16_807 % modulus


def _paused() -> pl.Expr:
    block = pl.col("minute") // BLOCK_MINUTES
    offset = pl.col("minute") % BLOCK_MINUTES
    random = _random(block)
    start = random // 8 % (BLOCK_MINUTES - SHORTEST_PAUSE - PAUSE_LENGTHS)
    length = SHORTEST_PAUSE + random // 4_096 % PAUSE_LENGTHS
    return (random % BLOCKS_A_PAUSE == 0) & (offset >= start) & (offset < start + length)


def _value() -> pl.Expr:
    phase = pl.col("minute") / MINUTES_A_DAY + pl.col("id") / IDS
    noise = (_random(pl.col("minute")) % NOISE_STEPS - NOISE_STEPS // 2) / 8
    return ((MIDDLE + SWING * (2 * math.pi * phase).sin() + noise) * 8).round() / 8
