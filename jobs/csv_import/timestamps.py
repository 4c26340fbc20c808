"""Timestamps parsed to UTC, in each format that a file may use."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal

import polars as pl

from core.imports import TIMESTAMP, ImportOptions, TimeFormat
from core.readings import EARLIEST, LATEST
from core.readings import TIMESTAMP as ISO_8601
from core.time import EPOCH, MICROSECOND, NANOSECONDS, EpochUnit

OFFSET = "(?:[Zz]|[+-][0-9:]+)$"

# From here on Polars does not know the offset changes of time zones.
OFFSETS_KNOWN_UNTIL = datetime(2100, 1, 1)  # noqa: DTZ001  # a local time has no offset

# A number of up to 21 digits (nanoseconds to the year 9999), with decimals.
SINCE_EPOCH = r"^(?P<sign>[+-]?)(?P<whole>[0-9]{1,21})(?:\.(?P<decimals>[0-9]{1,9}))?$"
DECIMALS = 9
UNITS = {
    TimeFormat.EPOCH_S: EpochUnit.SECONDS,
    TimeFormat.EPOCH_MS: EpochUnit.MILLISECONDS,
    TimeFormat.EPOCH_US: EpochUnit.MICROSECONDS,
    TimeFormat.EPOCH_NS: EpochUnit.NANOSECONDS,
}

Part = Callable[[str], pl.Expr]  # a named group of the match


def with_timestamps(rows: pl.DataFrame, options: ImportOptions) -> pl.DataFrame:
    """The rows with `ts`, the timestamp in UTC, null where it is none.

    Where local time may change its offset, also with `earlier` and `later`, the two instants that
    a timestamp without offset may mean (equal unless it is ambiguous), and `skipped`: whether it
    lies in the gap when clocks are put forward.
    """
    text = pl.col(TIMESTAMP).str.strip_chars()
    if options.time_format is not TimeFormat.ISO8601:
        parts = rows.with_columns(parts=text.str.extract_groups(SINCE_EPOCH))
        unit = UNITS[options.time_format]
        return parts.with_columns(ts=_from_epoch(unit, pl.col("parts").struct.field))
    parts = rows.with_columns(parts=text.str.extract_groups(f"^{ISO_8601}$"))
    parsed = _minus_offset(pl.col("parts").struct.field)
    if not options.uses_local_time:
        return parts.with_columns(ts=_storable(parsed))
    has_offset = text.str.contains(OFFSET).alias("has_offset")
    return _in_time_zone(parts.with_columns(has_offset, parsed=parsed), options.time_zone)


def _from_epoch(unit: EpochUnit, part: Part) -> pl.Expr:
    """The timestamp of a count; one that cannot be stored is out of any bounds."""
    digits = pl.concat_str(part("whole"), part("decimals").fill_null("").str.pad_end(DECIMALS, "0"))
    billionths = digits.cast(pl.Int128) * pl.when(part("sign") == "-").then(-1).otherwise(1)
    microseconds: pl.Expr = billionths // (10**DECIMALS * 1000 // NANOSECONDS[unit])
    first, last = ((bound - EPOCH) // MICROSECOND for bound in (EARLIEST, LATEST))
    return microseconds.clip(first - 1, last + 1).cast(pl.Int64).cast(pl.Datetime("us", "UTC"))


def _minus_offset(part: Part) -> pl.Expr:
    """Date and time minus the offset, if there is one; null where there is no such time."""
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
    """The timestamps with their zone; null outside the range that can be stored."""
    ts = utc.dt.replace_time_zone("UTC")
    return pl.when(ts.is_between(pl.lit(EARLIEST), pl.lit(LATEST))).then(ts)


def _in_time_zone(rows: pl.DataFrame, zone: str) -> pl.DataFrame:
    parsed, earlier = pl.col("parsed"), pl.col("earlier")
    local = pl.when(~pl.col("has_offset") & (parsed < OFFSETS_KNOWN_UNTIL)).then(parsed)
    return (
        rows.with_columns(local=local)
        .with_columns(earlier=_local_as_utc(zone, "earliest"), later=_local_as_utc(zone, "latest"))
        .with_columns(
            ts=_storable(pl.when("has_offset").then(parsed).otherwise(earlier)),
            skipped=pl.col("local").is_not_null() & earlier.is_null(),
        )
    )


def _local_as_utc(zone: str, ambiguous: Literal["earliest", "latest"]) -> pl.Expr:
    zoned = pl.col("local").dt.replace_time_zone(zone, ambiguous=ambiguous, non_existent="null")
    return zoned.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
