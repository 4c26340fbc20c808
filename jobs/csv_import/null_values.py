"""Values that stand for no reading, such as the -9999 of a data logger."""

import polars as pl

from core.imports import VALUE, DecimalMark, ImportOptions
from jobs.csv_import.numbers import number

NULL_VALUE = "null_value"


def with_null_values(rows: pl.DataFrame, options: ImportOptions) -> pl.DataFrame:
    """The rows, which have `number`, with NULL_VALUE: whether the value is a null value.

    Texts are compared without regard to case, numbers as numbers: -9999.0 is -9999.
    """
    null_values = pl.DataFrame({VALUE: options.null_values}, schema={VALUE: pl.String})
    texts = null_values.select(_comparable()).to_series()
    is_null_value = _comparable().is_in(texts.implode())
    # In the options a number may be written with a point, whatever the file's decimal mark is.
    for mark in {DecimalMark.POINT, options.decimal}:
        numbers = null_values.select(number(mark)).to_series().drop_nulls()
        is_null_value |= pl.col("number").is_in(numbers.implode()).fill_null(value=False)
    return rows.with_columns(is_null_value.fill_null(value=False).alias(NULL_VALUE))


def _comparable() -> pl.Expr:
    return pl.col(VALUE).str.strip_chars().str.to_lowercase()
