"""The cells of wide files: a row for each, as if it stood in a line of its own."""

from collections.abc import Sequence

import polars as pl

from core.imports import EQUIPMENT_ID, TIME_OF_DAY, TIMESTAMP, VALUE
from jobs.csv_import.field_splitting import as_field, join_timestamps, split_fields, unquoted
from jobs.csv_import.layout import Layout, Sensor, field_pattern
from jobs.csv_import.numbered_lines import LINE_NUMBER, TEXT

FIELDS = "fields"
# The name of a cell's column; empty for a line that does not split into cells.
SENSOR = "sensor"


def split_cells(lines: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """A row for each cell of the lines that are not blank, in the order of the file.

    A line that has another number of fields than the layout is one row without fields.
    """
    split = _with_fields(lines.filter(pl.col(TEXT).str.strip_chars() != ""), layout)
    fits = pl.col(FIELDS).is_not_null()
    others = split.filter(~fits).select(LINE_NUMBER, TEXT, pl.lit("").alias(SENSOR))
    timestamps = [
        pl.col(FIELDS).list.get(position).alias(name) for name, position in layout.positions.items()
    ]
    cells = pl.col(FIELDS).list.gather([sensor.position for sensor in layout.sensors])
    rows = split.filter(fits).select(LINE_NUMBER, *timestamps, cells.alias(VALUE))
    if TIME_OF_DAY in layout.positions:
        rows = join_timestamps(rows)
    return pl.concat(
        [explode_cells(rows, layout.sensors, layout.delimiter), others], how="diagonal"
    ).sort(LINE_NUMBER, maintain_order=True)


def _with_fields(lines: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """The lines with FIELDS, null where there are too few or too many."""
    if lines[TEXT].str.contains('"', literal=True).any():
        lines = lines.with_columns(_quoted_fields(layout.delimiter).alias(FIELDS))
    else:
        lines = lines.with_columns(pl.col(TEXT).str.split(layout.delimiter).alias(FIELDS))
    # A delimiter at the end of a line that has all fields begins none.
    trailing = (pl.col(FIELDS).list.len() == layout.width + 1) & (pl.col(FIELDS).list.last() == "")
    fits = (pl.col(FIELDS).list.len() == layout.width) | trailing
    return lines.with_columns(pl.when(fits).then(FIELDS).alias(FIELDS))


def _quoted_fields(delimiter: str) -> pl.Expr:
    """The fields, in quotes or not; null where a quote is out of place.

    Each is matched with a delimiter before it. Then all matches are as long as the line, unless
    something is between them.
    """
    text = pl.concat_str(pl.lit(delimiter), pl.col(TEXT))
    mark = f"[{delimiter}]"
    matches = text.str.extract_all(f"{mark}(?:{field_pattern(delimiter)})")
    lengths = matches.list.eval(pl.element().str.len_bytes()).list.sum()
    fields = matches.list.eval(unquoted(pl.element().str.strip_prefix(delimiter)))
    return pl.when(lengths == text.str.len_bytes()).then(fields)


def explode_cells(rows: pl.DataFrame, sensors: Sequence[Sensor], delimiter: str) -> pl.DataFrame:
    """A row for each cell of rows that have line, timestamp and as VALUE the list of cells."""
    number = pl.int_range(pl.len()) % len(sensors)
    names, ids = (pl.Series([sensor[n] for sensor in sensors]) for n in (1, 2))
    cells = rows.explode(VALUE).with_columns(
        pl.lit(names).gather(number).alias(SENSOR), pl.lit(ids).gather(number).alias(EQUIPMENT_ID)
    )
    fields = [as_field(name, delimiter) for name in (TIMESTAMP, VALUE)]
    return cells.with_columns(pl.concat_str(fields, separator=delimiter).alias(TEXT))


def split_rejects(rejects: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """The rows of rejects, by their column: cells, and the cells of lines that did not split."""
    rows = rejects.rename({"column": SENSOR})
    whole = split_cells(rows.filter(pl.col(SENSOR) == "").drop(SENSOR), layout)
    ids = {sensor.name: sensor.equipment_id for sensor in layout.sensors}
    id_of_cell = pl.col(SENSOR).replace_strict(ids, default=None, return_dtype=pl.String)
    cells = split_fields(rows.filter(pl.col(SENSOR) != ""), layout.of_rejects).with_columns(
        # Without a value the row is no timestamp and cell, and is rejected for that.
        pl.when(pl.col(VALUE).is_not_null()).then(id_of_cell).alias(EQUIPMENT_ID)
    )
    return pl.concat([cells, whole], how="diagonal").sort(LINE_NUMBER, maintain_order=True)
