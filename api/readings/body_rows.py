"""A body split into rows, in pieces small enough to let other requests run between them."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias, TypeVar

from api.readings.errors import MAX_READING_BYTES, MAX_ROWS, RowTooLongError, TooManyRowsError
from api.readings.validated_rows import ValidatedRows
from core.errors import SensorFlowError

# What is handled between two moments at which other requests run: so many bytes, so many rows of
# them at once, or one by one.
PIECE_BYTES = 16 * 1024
PIECE_ROWS = 500
SINGLE_ROWS = 50

# Adds all rows to ValidatedRows, given the index of the first of them; False, and none is added,
# if some of them need the other.
RowsValidator: TypeAlias = Callable[[ValidatedRows, int, Sequence[bytes]], bool]
RowValidator: TypeAlias = Callable[[ValidatedRows, int, bytes], None]

Row = TypeVar("Row")


def split_lines(body: bytes) -> Iterator[list[bytes]]:
    """The lines of NDJSON without their ends, blank ones too; raises TooManyRowsError."""
    start = lines = 0
    while start < len(body):
        end = body.rfind(b"\n", start, start + PIECE_BYTES) + 1
        if not end:
            end = body.find(b"\n", start + PIECE_BYTES) + 1 or len(body)
        piece = row_of(body, start, end).removesuffix(b"\n").split(b"\n")
        lines += len(piece)
        if lines > MAX_ROWS:
            raise TooManyRowsError
        yield piece
        start = end


def row_of(body: bytes, start: int, end: int) -> bytes:
    """What is between; of more than one reading may have, enough to be rejected as too long."""
    return body[start : min(end, start + MAX_READING_BYTES + 1)]


async def validate_rows(
    pieces: Iterable[Sequence[bytes]], validate_all: RowsValidator, validate: RowValidator
) -> ValidatedRows:
    """Have every row added: many at once, or each that is not blank.

    An error that `validate` raises rejects the row.
    """
    validated, first = ValidatedRows(), 0
    for piece in pieces:
        for rows in slices(piece, PIECE_ROWS):
            if _has_long_one(rows) or not validate_all(validated, first, rows):
                await _validate_one_by_one(validated, first, rows, validate)
            first += len(rows)
            await asyncio.sleep(0)
        if not piece:
            await asyncio.sleep(0)
    return validated


def _has_long_one(rows: Iterable[bytes]) -> bool:
    return max(map(len, rows)) > MAX_READING_BYTES


async def _validate_one_by_one(
    validated: ValidatedRows, first: int, rows: Sequence[bytes], validate: RowValidator
) -> None:
    for some in slices(rows, SINGLE_ROWS):
        validate_each(validated, first, some, validate)
        first += len(some)
        await asyncio.sleep(0)


def validate_each(
    validated: ValidatedRows, first: int, rows: Sequence[bytes], validate: RowValidator
) -> None:
    """Have `validate` add every row that is not blank; the error that it raises rejects the row."""
    for index, row in enumerate(rows, first):
        try:
            if len(row) > MAX_READING_BYTES:
                raise RowTooLongError
            if row and not row.isspace():
                validate(validated, index, row)
        except SensorFlowError as error:
            validated.reject(index, error)


def slices(rows: Sequence[Row], length: int) -> Iterator[Sequence[Row]]:
    """The rows in order, so many at a time."""
    for start in range(0, len(rows), length):
        yield rows[start : start + length]
