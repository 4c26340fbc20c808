"""Timestamps parsed to UTC, in each format that a file may use."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import polars as pl

from core.imports import TIMESTAMP, Hour24, ImportOptions, TimeFormat
from core.readings import EARLIEST, ISO_DATE, LATEST, MINUTE_OF_DAY
from core.readings import OFFSET as NUMERIC_OFFSET
from core.time import EPOCH, MICROSECOND, NANOSECONDS, EpochUnit
from jobs.csv_import.declared_timestamps import Part, iso_parts

OFFSET = "(?:[Zz]|(?i:utc|gmt)|[+-][0-9:]+)$"
END_OF_DAY = "24:00"

# From here on Polars does not know the offset changes of time zones.
OFFSETS_KNOWN_UNTIL = datetime(2100, 1, 1)  # noqa: DTZ001  # a local time has no offset

# A number of up to 21 digits (nanoseconds to the year 9999), with decimals.
SINCE_EPOCH = r"^(?P<sign>[+-]?)(?P<whole>[0-9]{1,21})(?:\.(?P<decimals>[0-9]{1,9}))?$"
DECIMALS = 9
UNITS: Mapping[str, EpochUnit] = {
    TimeFormat.EPOCH_S: EpochUnit.SECONDS,
    TimeFormat.EPOCH_MS: EpochUnit.MILLISECONDS,
    TimeFormat.EPOCH_US: EpochUnit.MICROSECONDS,
    TimeFormat.EPOCH_NS: EpochUnit.NANOSECONDS,
}


def with_timestamps(rows: pl.DataFrame, options: ImportOptions) -> pl.DataFrame:
    """The rows with `ts`, the timestamp in UTC, null where it is none.

    Where local time may change its offset, also with `earlier` and `later`, the two instants that
    a timestamp without offset may mean (equal unless it is ambiguous), and `skipped`: whether it
    lies in the gap when clocks are put forward.
    """
    text, part = pl.col(TIMESTAMP).str.strip_chars(), pl.col("parts").struct.field
    if unit := UNITS.get(options.time_format):
        parts = rows.with_columns(parts=text.str.extract_groups(SINCE_EPOCH))
        return parts.with_columns(ts=_from_epoch(unit, part))
    if pattern := options.pattern:
        matched = rows.with_columns(parts=text.str.extract_groups(f"(?i)^{pattern.regex}$"))
        parts = matched.with_columns(parts=iso_parts(pattern, part))
    else:
        parts = rows.with_columns(parts=text.str.extract_groups(_iso_8601(options.hour24)))
    parsed = _minus_offset(part, options.hour24)
    if not options.uses_local_time:
        return parts.with_columns(ts=_storable(parsed))
    # A pattern that has an offset leaves no local time.
    has_offset = pl.lit(value=False) if options.pattern else text.str.contains(OFFSET)
    zoned = parts.with_columns(has_offset=has_offset, parsed=parsed)
    return _in_time_zone(zoned, options.time_zone)


def _iso_8601(hour24: Hour24) -> str:
    """ISO 8601, also with a comma before the fraction, with UTC, or a blank before the offset."""
    minute = MINUTE_OF_DAY if hour24 is Hour24.REJECT else f"{MINUTE_OF_DAY}|{END_OF_DAY}"
    return (
        rf"^(?P<date>{ISO_DATE})[Tt ](?P<minute>{minute})"
        r"(?::(?P<second>[0-5][0-9])(?:[.,](?P<fraction>[0-9]+))?)?"
        # One way through it for any text: with two behind the blank, searching takes longer.
        rf"(?:[Zz]| ?(?:(?i:utc|gmt)|{NUMERIC_OFFSET}))?$"
    )


def _from_epoch(unit: EpochUnit, part: Part) -> pl.Expr:
    """The timestamp of a count; one that cannot be stored is out of any bounds."""
    digits = pl.concat_str(part("whole"), part("decimals").fill_null("").str.pad_end(DECIMALS, "0"))
    billionths = digits.cast(pl.Int128) * pl.when(part("sign") == "-").then(-1).otherwise(1)
    microseconds: pl.Expr = billionths // (10**DECIMALS * 1000 // NANOSECONDS[unit])
    first, last = ((bound - EPOCH) // MICROSECOND for bound in (EARLIEST, LATEST))
    return microseconds.clip(first - 1, last + 1).cast(pl.Int64).cast(pl.Datetime("us", "UTC"))


def _minus_offset(part: Part, hour24: Hour24) -> pl.Expr:
    """Date and time minus the offset, if there is one; null where there is no such time."""
    second = part("second").fill_null("00")
    microseconds = part("fraction").fill_null("").str.pad_end(6, "0").str.head(6)
    if hour24 is Hour24.REJECT:
        local = _local(part("date"), part("minute"), second)
    else:
        ends_day = part("minute") == END_OF_DAY
        ends_no_day = ends_day & ((second != "00") | part("fraction").str.contains("[1-9]"))
        minute = pl.when(ends_day).then(pl.lit("00:00")).otherwise(part("minute"))
        started = _local(part("date"), minute, second) + pl.duration(days=ends_day.cast(pl.Int64))
        local = pl.when(~ends_no_day.fill_null(value=False)).then(started)
    west = pl.when(part("sign") == "-").then(1).otherwise(-1)
    hours, minutes = (part(name).fill_null("0").cast(pl.Int64) for name in ("hours", "minutes"))
    return local + pl.duration(
        minutes=west * (hours * 60 + minutes), microseconds=microseconds.cast(pl.Int64)
    )


def _local(date: pl.Expr, minute: pl.Expr, second: pl.Expr) -> pl.Expr:
    text = pl.concat_str(date, pl.lit("T"), minute, pl.lit(":"), second)
    return text.str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False, time_unit="us")


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
