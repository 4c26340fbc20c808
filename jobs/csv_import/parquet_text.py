"""The values of Arrow columns as the text that a CSV file would have for them."""

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

import polars as pl
import pyarrow as pa

from core.imports import (
    EQUIPMENT_ID,
    TIME_OF_DAY,
    TIMESTAMP,
    VALUE,
    ImportFault,
    ImportOptions,
    TimeFormat,
)
from core.readings import EARLIEST, LATEST, MAX_DECOMPOSED_CHARACTERS, WHITE_SPACE
from core.time import EPOCH, MICROSECOND
from jobs.errors import FileFaultError

# A longer text is truncated: it could be no id, and nobody writes such a number.
MAX_CHARACTERS = 300

NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


def is_text(kind: Any) -> bool:
    """Whether values of the Arrow type are strings."""
    if pa.types.is_dictionary(kind):
        return is_text(kind.value_type)
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _is_number(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


ACCEPTED_TYPES: dict[str, tuple[Callable[[Any], bool], ...]] = {
    EQUIPMENT_ID: (is_text, pa.types.is_integer, pa.types.is_null),
    TIMESTAMP: (is_text, pa.types.is_timestamp, _is_number, pa.types.is_null),
    TIME_OF_DAY: (is_text,),
    VALUE: (is_text, _is_number, pa.types.is_decimal, pa.types.is_null),
}


def require_types(types: Mapping[str, Any], options: ImportOptions) -> None:
    """Raise FileFaultError `wrong_column_type` unless each column has one of ACCEPTED_TYPES."""
    for column, kind in types.items():
        if TIME_OF_DAY in types and column in {TIMESTAMP, TIME_OF_DAY} and not is_text(kind):
            raise _wrong_type(column, kind, "Store date and time as text, or in one column")
        if not any(accepts(kind) for accepts in ACCEPTED_TYPES[column]):
            raise _wrong_type(column, kind, "Store it as another type")
    if _is_number(types[TIMESTAMP]) and options.time_format == TimeFormat.ISO8601:
        raise _wrong_type(TIMESTAMP, types[TIMESTAMP], "Say with timeFormat what it counts")


def _wrong_type(column: str, kind: Any, remedy: str) -> FileFaultError:
    return FileFaultError(
        ImportFault.WRONG_COLUMN_TYPE,
        f"The column for {column} has the type {kind}. Nothing of the file was stored. {remedy}.",
    )


def as_text(values: Any) -> pl.Series:
    """The text of each value of an Arrow array; empty where it is null."""
    return _text(values).fill_null("")


def _text(values: Any) -> pl.Series:
    kind = values.type
    if pa.types.is_dictionary(kind):
        # Truncated before it is repeated: a text of megabytes may stand in thousands of rows.
        return _truncated(_series(_valid_utf8(values.dictionary))).gather(_series(values.indices))
    if is_text(kind):
        return _truncated(_series(_valid_utf8(values)))
    if pa.types.is_timestamp(kind):
        return _iso_8601(values)
    if pa.types.is_decimal256(kind):  # Polars panics at them
        return _series(values.cast(pa.string()))
    if pa.types.is_floating(kind):
        values = values.cast(pa.float64())
    return _series(values).cast(pl.String)


def _truncated(texts: pl.Series) -> pl.Series:
    """The texts, of which none is much longer than MAX_CHARACTERS."""
    large = texts.filter(texts.str.len_bytes() > MAX_CHARACTERS)
    long = large.filter(large.str.len_chars() > MAX_CHARACTERS).unique()
    if not len(long):
        return texts
    starts = long.str.strip_chars(WHITE_SPACE).str.head(MAX_DECOMPOSED_CHARACTERS + 1)
    return texts.replace(long, pl.Series([_normalized(start) for start in starts]))


def _normalized(start: str) -> str:
    """Truncated after it is normalized as ids are, lest that make an id of what is left."""
    normal = unicodedata.normalize("NFC", start)
    return normal if len(normal) <= MAX_CHARACTERS else f"{normal[:MAX_CHARACTERS]}…"


def _series(values: Any) -> pl.Series:
    series = pl.from_arrow(values)
    if not isinstance(series, pl.Series):
        raise TypeError(f"{values.type} is no type of a column")
    return series


def _valid_utf8(texts: Any) -> Any:
    """The texts, with U+FFFD for what is not UTF-8."""
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        raw = texts.cast(pa.large_binary()).to_pylist()
        return pa.array([text and text.decode(errors="replace") for text in raw], pa.large_string())
    return texts


def _iso_8601(timestamps: Any) -> pl.Series:
    """With Z if the type has a time zone, else without offset; out of range, the bare count."""
    count = pl.lit(_series(timestamps.cast(pa.int64())))
    microseconds = count.cast(pl.Int128) * NANOSECONDS[timestamps.type.unit] // NANOSECONDS["us"]
    first, last = ((bound - EPOCH) // MICROSECOND for bound in (EARLIEST, LATEST))
    in_range = pl.when(microseconds.is_between(first, last)).then(microseconds)
    iso_8601 = "%Y-%m-%dT%H:%M:%S%.6f" + ("Z" if timestamps.type.tz else "")
    date = in_range.cast(pl.Int64).cast(pl.Datetime("us")).dt.strftime(iso_8601)
    return pl.select(pl.coalesce(date, count.cast(pl.String))).to_series()
