"""The moments that timestamps name, in each of the ways a file may write them."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal

import polars as pl

from core.imports import TIMESTAMP, ImportOptions, TimeFormat
from core.readings import EARLIEST, LATEST
from core.readings import TIMESTAMP as ISO_8601
from core.time import EPOCH, MICROSECOND

OFFSET = "(?:[Zz]|[+-][0-9:]+)$"

# Polars does not know when clocks change from here on.
CLOCKS_KNOWN_UNTIL = datetime(2100, 1, 1)  # noqa: DTZ001  # a clock's time has no offset

# A count of up to 21 digits (nanoseconds to the year 9999), with decimals.
COUNT = r"^(?P<sign>[+-]?)(?P<whole>[0-9]{1,21})(?:\.(?P<decimals>[0-9]{1,9}))?$"
DECIMALS = 9
BILLIONTHS_IN_A_MICROSECOND = {
    TimeFormat.EPOCH_S: 10**3,
    TimeFormat.EPOCH_MS: 10**6,
    TimeFormat.EPOCH_US: 10**9,
    TimeFormat.EPOCH_NS: 10**12,
}


Part = Callable[[str], pl.Expr]


def with_moments(rows: pl.DataFrame, options: ImportOptions) -> pl.DataFrame:
    """With `ts`, the moment in UTC, null where there is none.

    By a local clock also with `earlier` and `later`, the two things that a timestamp without
    offset may mean, mostly equal, and `skipped`: whether the clock never showed it.
    """
    text = pl.col(TIMESTAMP).str.strip_chars()
    if options.time_format is not TimeFormat.ISO8601:
        parts = rows.with_columns(parts=text.str.extract_groups(COUNT))
        return parts.with_columns(ts=_counted(options.time_format, pl.col("parts").struct.field))
    parts = rows.with_columns(parts=text.str.extract_groups(f"^{ISO_8601}$"))
    written = _less_offset(pl.col("parts").struct.field)
    if not options.uses_local_time:
        return parts.with_columns(ts=_storable(written))
    has_offset = text.str.contains(OFFSET).alias("has_offset")
    return _by_clock(parts.with_columns(has_offset, written=written), options.time_zone)


def _counted(unit: TimeFormat, part: Part) -> pl.Expr:
    digits = pl.concat_str(part("whole"), part("decimals").fill_null("").str.pad_end(DECIMALS, "0"))
    billionths = digits.cast(pl.Int128) * pl.when(part("sign") == "-").then(-1).otherwise(1)
    microseconds = billionths // BILLIONTHS_IN_A_MICROSECOND[unit]
    first, last = ((moment - EPOCH) // MICROSECOND for moment in (EARLIEST, LATEST))
    storable = pl.when(microseconds.is_between(first, last)).then(microseconds)
    return storable.cast(pl.Int64).cast(pl.Datetime("us", "UTC"))


def _less_offset(part: Part) -> pl.Expr:
    """Date and time less the offset, if there is one; null where there is no such time."""
    second = part("second").fill_null("00")
    local = pl.concat_str(
        part("date"), pl.lit("T"), part("minute"), pl.lit(":"), second
    ).str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False, time_unit="us")
    microseconds = part("fraction").fill_null("").str.pad_end(6, "0").str.head(6)
    west = pl.when(part("sign") == "-").then(1).otherwise(-1)
    hours, minutes = (part(name).fill_null("0").cast(pl.Int64) for name in ("hours", "minutes"))
    return local + pl.duration(
        minutes=west * (hours * 60 + minutes), microseconds=microseconds.cast(pl.Int64)
    )


def _storable(utc: pl.Expr) -> pl.Expr:
    moment = utc.dt.replace_time_zone("UTC")
    return pl.when(moment.is_between(pl.lit(EARLIEST), pl.lit(LATEST))).then(moment)


def _by_clock(rows: pl.DataFrame, zone: str) -> pl.DataFrame:
    written, earlier = pl.col("written"), pl.col("earlier")
    shown = pl.when(~pl.col("has_offset") & (written < CLOCKS_KNOWN_UNTIL)).then(written)
    return (
        rows.with_columns(shown=shown)
        .with_columns(earlier=_meant(zone, "earliest"), later=_meant(zone, "latest"))
        .with_columns(
            ts=_storable(pl.when("has_offset").then(written).otherwise(earlier)),
            skipped=pl.col("shown").is_not_null() & earlier.is_null(),
        )
    )


def _meant(zone: str, ambiguous: Literal["earliest", "latest"]) -> pl.Expr:
    placed = pl.col("shown").dt.replace_time_zone(zone, ambiguous=ambiguous, non_existent="null")
    return placed.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
