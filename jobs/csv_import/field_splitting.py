import re

import polars as pl

from core.imports import TIME_OF_DAY, TIMESTAMP
from jobs.csv_import.layout import Layout, field_pattern
from jobs.csv_import.numbered_lines import TEXT

MAX_SPLIT_COLUMNS = 20  # split_exact holds all of them in memory


def split_fields(lines: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """The lines that are not blank, with the fields of COLUMNS.

    These are null in lines that have another number of fields than the layout. A delimiter at the
    end of a line that has them all begins no field.
    """
    fields = _with_fields(lines.filter(pl.col(TEXT).str.strip_chars() != ""), layout)
    return join_timestamps(fields) if TIME_OF_DAY in layout.positions else fields


def join_timestamps(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with the date in TIMESTAMP and the time in TIME_OF_DAY as one timestamp."""
    parts = (pl.col(column).str.strip_chars() for column in (TIMESTAMP, TIME_OF_DAY))
    return rows.with_columns(pl.concat_str(parts, separator=" ").alias(TIMESTAMP)).drop(TIME_OF_DAY)


def _with_fields(lines: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    has_quotes = lines[TEXT].str.contains('"', literal=True).any()
    if has_quotes or layout.width > MAX_SPLIT_COLUMNS:
        fields = pl.col(TEXT).str.extract_groups(_line_pattern(layout))
        return lines.with_columns(unquoted(fields.struct.field(name)) for name in layout.positions)
    trailing = lines[TEXT].str.ends_with(layout.delimiter).any()
    return lines.with_columns(_split_exact(layout, trailing=trailing))  # several times as fast


def _split_exact(layout: Layout, *, trailing: bool) -> list[pl.Expr]:
    fields = pl.col(TEXT).str.split_exact(layout.delimiter, layout.width + trailing)
    parts = [fields.struct.field(f"field_{n}") for n in range(layout.width + 1 + trailing)]
    last, extra = parts[layout.width - 1], parts[layout.width]
    fits = last.is_not_null() & extra.is_null()
    if trailing:
        fits |= (extra == "") & parts[layout.width + 1].is_null()
    return [
        pl.when(fits).then(parts[position]).alias(name)
        for name, position in layout.positions.items()
    ]


def _line_pattern(layout: Layout) -> str:
    """Matches a line with as many fields as the layout, and captures those of COLUMNS."""
    field = field_pattern(layout.delimiter)
    names = {position: name for name, position in layout.positions.items()}
    groups = (
        f"(?P<{names[n]}>{field})" if n in names else f"(?:{field})" for n in range(layout.width)
    )
    mark = re.escape(layout.delimiter)
    return f"^{mark.join(groups)}(?:{mark})?$"


def as_field(column: str, delimiter: str) -> pl.Expr:
    """The column's text, quoted if need be, as a field of CSV."""
    text = pl.col(column)
    quoted = pl.concat_str(pl.lit('"'), text.str.replace_all('"', '""', literal=True), pl.lit('"'))
    return pl.when(text.str.contains(f'["{delimiter}\r\n]')).then(quoted).otherwise(text)


def unquoted(field: pl.Expr) -> pl.Expr:
    """The text of a field, in quotes or not."""
    bare = field.str.strip_prefix('"').str.strip_suffix('"')
    return bare.str.replace_all('""', '"', literal=True)
