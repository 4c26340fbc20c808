"""Rows as PostgreSQL's binary COPY format, a column at a time instead of a row at a time."""

import struct
from array import array
from asyncio import to_thread
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from operator import itemgetter

import polars as pl

START = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # no flags, no extension
END = b"\xff\xff"

ROWS_A_PIECE = 32_768

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # PostgreSQL counts microseconds from here


async def copy_stream(rows: pl.DataFrame) -> AsyncIterator[bytes]:
    """The bytes of a COPY of `rows`: a text, a moment in UTC, then numbers; nothing null.

    Each piece is encoded in a thread.
    """
    yield START
    for piece in rows.iter_slices(ROWS_A_PIECE):
        yield await to_thread(encoded, piece)
    yield END


def encoded(rows: pl.DataFrame) -> bytes:
    """The rows without the marks around them. Twice as fast where all texts are equally long."""
    texts, moments, *numbers = rows.get_columns()
    texts = texts.cast(pl.Binary)
    microseconds = (moments - EPOCH).dt.total_microseconds()
    columns = [
        _big_endian(array("q", microseconds.to_list())),
        *(_big_endian(array("d", column.to_list())) for column in numbers),
    ]
    count = rows.width.to_bytes(2, "big")
    if texts.bin.size().n_unique() == 1:
        return bytes(_interleaved(count, [b"".join(texts.to_list()), *columns], rows.height))
    return _joined(count, texts.to_list(), _interleaved(b"", columns, rows.height))


def _joined(count: bytes, texts: Sequence[bytes], others: bytearray) -> bytes:
    """Rows of a text and the row's equal share of `others`."""
    heads = {text: count + len(text).to_bytes(4, "big") + text for text in set(texts)}
    pieces = [b""] * (2 * len(texts))
    pieces[::2] = map(heads.__getitem__, texts)
    pieces[1::2] = map(itemgetter(0), struct.iter_unpack(f"{len(others) // len(texts)}s", others))
    return b"".join(pieces)


def _big_endian(values: "array[int] | array[float]") -> bytes:
    if array("h", [1]).tobytes() == b"\1\0":
        values.byteswap()
    return values.tobytes()


def _interleaved(prefix: bytes, columns: Sequence[bytes], height: int) -> bytearray:
    """Rows of `prefix` and fields as wide as `columns` has bytes a row, each after its width."""
    widths = [len(column) // height for column in columns]
    fields = b"".join(width.to_bytes(4, "big") + bytes(width) for width in widths)
    rows = bytearray((prefix + fields) * height)
    row_width, position = len(rows) // height, len(prefix)
    for column, width in zip(columns, widths, strict=True):
        for byte in range(width):  # a loop in C over all rows
            rows[position + 4 + byte :: row_width] = column[byte::width]
        position += 4 + width
    return rows
