"""How timestamps are written: every way that fits them, tried by the code that imports."""

from collections.abc import Iterator, Sequence

import polars as pl
from msgspec.structs import replace

from core.imports import TIMESTAMP, ImportOptions, TimeFormat
from core.readings import TimeBounds
from jobs.csv_import.detection.time_patterns import patterns_of
from jobs.csv_import.timestamps import UNITS, with_timestamps


def fitting_formats(cells: Sequence[str], options: ImportOptions, bounds: TimeBounds) -> list[str]:
    """The formats in which the most cells are timestamps.

    There are several only if they make other instants of the same cells.
    """
    present = list(filter(None, cells))
    texts = pl.DataFrame({TIMESTAMP: present}, schema={TIMESTAMP: pl.String})
    formats = (
        _formats(present) if options.time_format == TimeFormat.ISO8601 else [options.time_format]
    )
    parsed = [(each, _parsed(texts, each, options, bounds)) for each in formats]
    most = max((len(ts) - ts.null_count() for _, ts in parsed), default=0)
    fitting = [(each, ts) for each, ts in parsed if most and len(ts) - ts.null_count() == most]
    return list(_distinct(fitting))


def _formats(cells: Sequence[str]) -> list[str]:
    """Every format that a cell may have."""
    patterns = dict.fromkeys(pattern for cell in {*cells} for pattern in patterns_of(cell))
    return [*TimeFormat, *sorted(patterns)]


def _parsed(
    texts: pl.DataFrame, time_format: str, options: ImportOptions, bounds: TimeBounds
) -> pl.Series:
    """The instants, null where the text is none; a count may be one in any unit, if plausible."""
    ts = with_timestamps(texts, replace(options, time_format=time_format))["ts"]
    if time_format not in UNITS:
        return ts
    return ts.to_frame().select(
        pl.when(pl.col("ts").is_between(bounds.earliest, bounds.latest)).then("ts")
    )["ts"]


def _distinct(parsed: Sequence[tuple[str, pl.Series]]) -> Iterator[str]:
    """The first of the formats that make the same of all texts."""
    seen: list[pl.Series] = []
    for time_format, ts in parsed:
        if not any(ts.equals(earlier) for earlier in seen):
            seen.append(ts)
            yield time_format
