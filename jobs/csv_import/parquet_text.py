"""The values of Arrow columns as the text that a CSV file would have for them."""

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl
import pyarrow as pa

from core.imports import EQUIPMENT_ID, TIMESTAMP, VALUE, ImportOptions, TimeFormat
from core.readings import EARLIEST, LATEST
from core.time import EPOCH, MICROSECOND
from jobs.errors import FileFaultError

# A longer text is told by its beginning: it could be no id, and nobody writes such a number.
MAX_CHARACTERS = 300

NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


def is_text(kind: Any) -> bool:
    """Whether values of the type are texts."""
    if pa.types.is_dictionary(kind):
        return is_text(kind.value_type)
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _is_number(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


READABLE: dict[str, tuple[Callable[[Any], bool], ...]] = {
    EQUIPMENT_ID: (is_text, pa.types.is_integer, pa.types.is_null),
    TIMESTAMP: (is_text, pa.types.is_timestamp, _is_number, pa.types.is_null),
    VALUE: (is_text, _is_number, pa.types.is_decimal, pa.types.is_null),
}


def require_types(types: Mapping[str, Any], options: ImportOptions) -> None:
    """Raise FileFaultError `wrong_column_type` if a column's type cannot be what it should."""
    for column, kind in types.items():
        if not any(fits(kind) for fits in READABLE[column]):
            raise _wrong_type(column, kind, "Store it as another type")
    if _is_number(types[TIMESTAMP]) and options.time_format is TimeFormat.ISO8601:
        raise _wrong_type(TIMESTAMP, types[TIMESTAMP], "Say with timeFormat what it counts")


def _wrong_type(column: str, kind: Any, remedy: str) -> FileFaultError:
    return FileFaultError(
        "wrong_column_type",
        f"The column for {column} has the type {kind}. Nothing of the file was stored. {remedy}.",
    )


def as_text(values: Any) -> pl.Series:
    """The text of each value of an Arrow array; empty where there is none."""
    text = _text(values).fill_null("")
    beginning = text.str.head(MAX_CHARACTERS) + "…"
    return beginning.zip_with(text.str.len_chars() > MAX_CHARACTERS, text)


def _text(values: Any) -> pl.Series:
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _series(_decodable(values.dictionary)).gather(_series(values.indices))
    if is_text(kind):
        return _series(_decodable(values))
    if pa.types.is_timestamp(kind):
        return _written(values)
    if pa.types.is_decimal256(kind):  # Polars panics at them
        return _series(values.cast(pa.string()))
    if pa.types.is_floating(kind):
        values = values.cast(pa.float64())
    return _series(values).cast(pl.String)


def _series(values: Any) -> pl.Series:
    series = pl.from_arrow(values)
    if not isinstance(series, pl.Series):
        raise TypeError(f"{values.type} is no type of a column")
    return series


def _decodable(texts: Any) -> Any:
    """The texts, with U+FFFD for what is not UTF-8."""
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        raw = texts.cast(pa.large_binary()).to_pylist()
        return pa.array([text and text.decode(errors="replace") for text in raw], pa.large_string())
    return texts


def _written(moments: Any) -> pl.Series:
    """In ISO 8601, with Z if they are of UTC and without offset if they are of some clock."""
    count = pl.lit(_series(moments.cast(pa.int64())))
    microseconds = count.cast(pl.Int128) * NANOSECONDS[moments.type.unit] // NANOSECONDS["us"]
    first, last = ((moment - EPOCH) // MICROSECOND for moment in (EARLIEST, LATEST))
    datable = pl.when(microseconds.is_between(first, last)).then(microseconds)
    iso_8601 = "%Y-%m-%dT%H:%M:%S%.6f" + ("Z" if moments.type.tz else "")
    date = datable.cast(pl.Int64).cast(pl.Datetime("us")).dt.strftime(iso_8601)
    return pl.select(pl.coalesce(date, count.cast(pl.String))).to_series()
