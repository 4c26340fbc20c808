"""The rows of a Parquet file, as text like those of a CSV file; a line is the number of a row."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from core.imports import COLUMNS, TIMESTAMP, VALUE, DecimalMark, ImportOptions, TimeFormat
from jobs.csv_import.decompression import inflated_too_large
from jobs.csv_import.header import Layout, find_columns
from jobs.csv_import.numbered_lines import LINE_NUMBER, TEXT
from jobs.csv_import.parquet_text import as_text, is_text, require_types
from jobs.csv_import.row_batches import Rows, RowSource
from jobs.errors import FileFaultError

READ_BYTES = 2**20
SHOWN_CHARACTERS = 200
# How a row is written where it is told as text.
LAYOUT = Layout(",", len(COLUMNS), {column: n for n, column in enumerate(COLUMNS)})

BYTES_A_VALUE = 8  # at least, once it is inflated


def open_parquet(
    path: Path, options: ImportOptions, rows_done: int, batch_rows: int, max_bytes: int
) -> RowSource:
    """The rows after the first `rows_done`.

    Raises FileFaultError: `bad_parquet`, also while the batches are read, `missing_header`,
    `ambiguous_header`, `wrong_column_type` or `inflated_too_large`.
    """
    with _parquet_faults():
        metadata = pq.read_metadata(path)
        schema = metadata.schema.to_arrow_schema()
        names = _names(schema, options)
    if metadata.num_rows * len(COLUMNS) * BYTES_A_VALUE > max_bytes:
        raise inflated_too_large(max_bytes)
    types = {column: schema.field(name).type for column, name in names.items()}
    require_types(types, options)
    rows = _rows(path, names, types, rows_done, batch_rows)
    return RowSource(names, _options(types, options), LAYOUT, rows)


def _names(schema: Any, options: ImportOptions) -> dict[str, str]:
    """The file's names for COLUMNS."""
    positions = find_columns(schema.names, options)
    if positions is None:
        wanted = ", ".join(options.columns.get(column, column) for column in COLUMNS)
        raise FileFaultError(
            "missing_header",
            f"The file must have the columns {wanted}; it has "
            f"{', '.join(schema.names)[:SHOWN_CHARACTERS]}. Nothing of it was stored. Give the "
            "file's own names in the option columns.",
        )
    return {column: schema.names[position] for column, position in positions.items()}


def _options(types: Mapping[str, Any], options: ImportOptions) -> ImportOptions:
    """The options, less what the types of the columns say better."""
    if pa.types.is_timestamp(types[TIMESTAMP]):
        options = msgspec.structs.replace(options, time_format=TimeFormat.ISO8601)
    if not is_text(types[VALUE]):
        options = msgspec.structs.replace(options, decimal=DecimalMark.POINT)
    return options


def _rows(
    path: Path, names: Mapping[str, str], types: Mapping[str, Any], rows_done: int, batch_rows: int
) -> Iterator[Rows]:
    # As dictionaries, so that a long text that repeats is in memory once.
    texts = [names[column] for column in COLUMNS if is_text(types[column])]
    waiting: list[pl.DataFrame] = []
    with (
        _parquet_faults(),
        pq.ParquetFile(path, read_dictionary=texts, buffer_size=READ_BYTES) as file,
    ):
        row_bytes = path.stat().st_size / max(file.metadata.num_rows, 1)
        for frame in _frames(file, names, rows_done, batch_rows):
            waiting.append(frame)
            if sum(frame.height for frame in waiting) >= batch_rows:
                yield _numbered(waiting, rows_done, row_bytes)
                rows_done += sum(frame.height for frame in waiting)
                waiting = []
    if waiting:
        yield _numbered(waiting, rows_done, row_bytes)


def _frames(
    file: Any, names: Mapping[str, str], rows_done: int, batch_rows: int
) -> Iterator[pl.DataFrame]:
    """What is left to read, at most `batch_rows` at a time."""
    groups = range(file.num_row_groups)
    skipped = 0
    while groups and skipped + (height := file.metadata.row_group(groups[0]).num_rows) <= rows_done:
        skipped += height
        groups = groups[1:]
    to_drop = rows_done - skipped
    for batch in file.iter_batches(
        batch_rows, row_groups=list(groups), columns=list(names.values())
    ):
        dropped = min(to_drop, batch.num_rows)
        to_drop -= dropped
        rest = batch.slice(dropped)
        if rest.num_rows:
            yield pl.DataFrame({column: as_text(rest[name]) for column, name in names.items()})


def _numbered(frames: list[pl.DataFrame], rows_before: int, row_bytes: float) -> Rows:
    frame = pl.concat(frames).with_columns(
        pl.concat_str(map(_as_field, COLUMNS), separator=LAYOUT.delimiter).alias(TEXT)
    )
    numbered = frame.with_row_index(LINE_NUMBER, offset=rows_before + 1)
    return Rows(
        rows_before + 1,
        rows_before + frame.height,
        round(row_bytes * frame.height),
        numbered.cast({LINE_NUMBER: pl.Int64}),
    )


def _as_field(column: str) -> pl.Expr:
    """The text as a field of CSV."""
    text = pl.col(column)
    quoted = pl.concat_str(pl.lit('"'), text.str.replace_all('"', '""', literal=True), pl.lit('"'))
    return pl.when(text.str.contains('[",\r\n]')).then(quoted).otherwise(text)


@contextmanager
def _parquet_faults() -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno:  # the disk's fault, not the file's
            raise
        raise FileFaultError(
            "bad_parquet",
            f"The file is named .parquet, but is damaged or something else ({error}). The import's "
            "counts tell how many rows were stored before that was seen. Write it again.",
        ) from error
