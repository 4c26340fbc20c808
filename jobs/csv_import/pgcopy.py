"""Rows in PostgreSQL's binary COPY format, encoded column by column."""

from array import array
from asyncio import to_thread
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime

import polars as pl

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # no flags, no extension
TRAILER = b"\xff\xff"

ROWS_PER_PIECE = 32_768

POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # PostgreSQL counts microseconds from here


async def copy_stream(rows: pl.DataFrame) -> AsyncIterator[bytes]:
    """The bytes of a COPY of `rows`: a text, a timestamp in UTC, then floats; nothing null.

    Each piece is encoded in a thread.
    """
    yield HEADER
    for piece in rows.iter_slices(ROWS_PER_PIECE):
        yield await to_thread(encode_rows, piece)
    yield TRAILER


def encode_rows(rows: pl.DataFrame) -> bytes:
    """The rows without header and trailer. Fast where consecutive texts are equally long."""
    text, *_ = rows.columns
    lengths = pl.col(text).str.len_bytes().rle_id()
    runs = rows.group_by(lengths.alias("run"), maintain_order=True)
    return b"".join(_encode_run(run) for _, run in runs)


def _encode_run(rows: pl.DataFrame) -> bytearray:
    """Rows whose texts are equally long."""
    texts, timestamps, *numbers = rows.get_columns()
    microseconds = (timestamps - POSTGRES_EPOCH).dt.total_microseconds()
    columns = [
        b"".join(texts.cast(pl.Binary).to_list()),
        _big_endian(array("q", microseconds.to_list())),
        *(_big_endian(array("d", column.to_list())) for column in numbers),
    ]
    return _interleave(columns, rows.height)


def _big_endian(values: "array[int] | array[float]") -> bytes:
    if array("h", [1]).tobytes() == b"\1\0":
        values.byteswap()
    return values.tobytes()


def _interleave(columns: Iterable[bytes], height: int) -> bytearray:
    """Rows from columns of fixed width; the width precedes each field."""
    columns = list(columns)
    widths = [len(column) // height for column in columns]
    fields = b"".join(width.to_bytes(4, "big") + bytes(width) for width in widths)
    rows = bytearray((len(columns).to_bytes(2, "big") + fields) * height)
    row_width, position = len(rows) // height, 2
    for column, width in zip(columns, widths, strict=True):
        for byte in range(width):  # a loop in C over all rows
            rows[position + 4 + byte :: row_width] = column[byte::width]
        position += 4 + width
    return rows
