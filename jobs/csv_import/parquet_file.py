"""The rows of a Parquet file, as text like those of a CSV file; `line` is the row's number."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from core.imports import (
    COLUMNS,
    TIME_OF_DAY,
    TIMESTAMP,
    VALUE,
    DecimalMark,
    ImportFault,
    ImportOptions,
    TimeFormat,
)
from jobs.csv_import.decompression import inflated_too_large
from jobs.csv_import.field_splitting import as_field, join_timestamps
from jobs.csv_import.layout import Layout, match_columns
from jobs.csv_import.numbered_lines import LINE_NUMBER, TEXT
from jobs.csv_import.parquet_pages import rows_to_read_at_once
from jobs.csv_import.parquet_text import as_text, is_text, require_types
from jobs.csv_import.row_batches import RowBatch, RowSource
from jobs.errors import FileFaultError

READ_BYTES = 2**20
QUOTED_CHARACTERS = 200
# How the text of a row is written among the rejects.
LAYOUT = Layout(",", len(COLUMNS), {column: n for n, column in enumerate(COLUMNS)})

MIN_VALUE_BYTES = 8  # decompressed


def open_parquet(
    path: Path, options: ImportOptions, rows_done: int, batch_rows: int, max_bytes: int
) -> RowSource:
    """The rows after the first `rows_done`.

    Raises FileFaultError: `bad_parquet`, also while the batches are read, `missing_header`,
    `ambiguous_header`, `invalid_column`, `wrong_column_type` or `inflated_too_large`.
    """
    if options.is_wide:
        raise _wide()
    with _parquet_faults():
        metadata = pq.read_metadata(path)
        schema = metadata.schema.to_arrow_schema()
        names = _names(schema, options)
    if metadata.num_rows * len(names) * MIN_VALUE_BYTES > max_bytes:
        raise inflated_too_large(max_bytes)
    types = {column: schema.field(name).type for column, name in names.items()}
    require_types(types, options)
    read_rows = rows_to_read_at_once(path, frozenset(names.values()), batch_rows)
    batches = _row_batches(path, names, types, _Cut(rows_done, batch_rows, read_rows))
    return RowSource(names, _effective_options(types, options), LAYOUT, batches)


def column_names(path: Path) -> list[str]:
    """The names of all columns. Raises FileFaultError: `bad_parquet`."""
    with _parquet_faults():
        return [str(name) for name in pq.read_metadata(path).schema.to_arrow_schema().names]


def _wide() -> FileFaultError:
    return FileFaultError(
        ImportFault.INVALID_COLUMN,
        "Columns of a Parquet file cannot be sensors. Nothing of it was stored. Write the wide "
        "table as CSV, or one of three columns as Parquet.",
    )


def _names(schema: Any, options: ImportOptions) -> dict[str, str]:
    """The file's names for the wanted columns."""
    positions = match_columns(schema.names, options)
    if positions is None:
        own = options.column_names
        wanted = ", ".join(own.get(column, column) for column in options.wanted_columns)
        raise FileFaultError(
            ImportFault.MISSING_HEADER,
            f"The file must have the columns {wanted}; it has "
            f"{', '.join(schema.names)[:QUOTED_CHARACTERS]}. Nothing of it was stored. Give the "
            "file's own names in the option columns.",
        )
    return {column: schema.names[position] for column, position in positions.items()}


def _effective_options(types: Mapping[str, Any], options: ImportOptions) -> ImportOptions:
    """The options, without those that a typed column makes void: time format, decimal mark."""
    if pa.types.is_timestamp(types[TIMESTAMP]):
        options = msgspec.structs.replace(options, time_format=TimeFormat.ISO8601)
    if not is_text(types[VALUE]):
        options = msgspec.structs.replace(options, decimal=DecimalMark.POINT)
    return options


@dataclass(frozen=True, slots=True)
class _Cut:
    """How a file is cut into batches, of which so many rows are done and so many read at once."""

    rows_done: int
    batch_rows: int
    read_rows: int


def _row_batches(
    path: Path, names: Mapping[str, str], types: Mapping[str, Any], cut: _Cut
) -> Iterator[RowBatch]:
    # Read as dictionaries, so that a long string that repeats is in memory once.
    strings = [name for column, name in names.items() if is_text(types[column])]
    buffered: list[pl.DataFrame] = []
    rows_done = cut.rows_done
    with (
        _parquet_faults(),
        pq.ParquetFile(path, read_dictionary=strings, buffer_size=READ_BYTES) as file,
    ):
        row_bytes = path.stat().st_size / max(file.metadata.num_rows, 1)
        for frame in _frames(file, names, cut):
            buffered.append(frame)
            if sum(frame.height for frame in buffered) >= cut.batch_rows:
                yield _row_batch(buffered, rows_done, row_bytes)
                rows_done += sum(frame.height for frame in buffered)
                buffered = []
    if buffered:
        yield _row_batch(buffered, rows_done, row_bytes)


def _frames(file: Any, names: Mapping[str, str], cut: _Cut) -> Iterator[pl.DataFrame]:
    """The rows that are not done, at most `read_rows` at a time."""
    groups = range(file.num_row_groups)
    skipped = 0
    while (
        groups
        and skipped + (height := file.metadata.row_group(groups[0]).num_rows) <= cut.rows_done
    ):
        skipped += height
        groups = groups[1:]
    to_drop = cut.rows_done - skipped
    for batch in file.iter_batches(
        cut.read_rows, row_groups=list(groups), columns=list(names.values())
    ):
        dropped = min(to_drop, batch.num_rows)
        to_drop -= dropped
        rest = batch.slice(dropped)
        if rest.num_rows:
            yield pl.DataFrame({column: as_text(rest[name]) for column, name in names.items()})


def _row_batch(frames: list[pl.DataFrame], rows_before: int, row_bytes: float) -> RowBatch:
    rows = pl.concat(frames)
    if TIME_OF_DAY in rows.columns:
        rows = join_timestamps(rows)
    frame = rows.with_columns(
        pl.concat_str(
            [as_field(column, LAYOUT.delimiter) for column in COLUMNS], separator=LAYOUT.delimiter
        ).alias(TEXT)
    )
    numbered = frame.with_row_index(LINE_NUMBER, offset=rows_before + 1)
    return RowBatch(
        first_line=rows_before + 1,
        last_line=rows_before + frame.height,
        size_bytes=round(row_bytes * frame.height),
        frame=numbered.cast({LINE_NUMBER: pl.Int64}),
    )


@contextmanager
def _parquet_faults() -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno:  # the disk's fault, not the file's
            raise
        raise FileFaultError(
            ImportFault.BAD_PARQUET,
            f"The file is named .parquet, but is damaged or something else ({error}). The import's "
            "counts tell how many rows were stored before that was seen. Write it again.",
        ) from error
