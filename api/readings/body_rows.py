"""A body split into rows, in pieces small enough to let other requests run between them."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias, TypeVar

from msgspec import DecodeError, Raw, ValidationError
from msgspec.json import Decoder

from api.http.json_object import MalformedJsonError
from api.http.problem_details import FieldProblem, InvalidRequestError
from api.readings.errors import MAX_READING_BYTES, MAX_ROWS, RowTooLongError, TooManyRowsError
from api.readings.validated_rows import ValidatedRows
from core.errors import SensorFlowError

# What is handled between two moments at which other requests run: so many bytes, so many rows of
# them at once, or one by one.
PIECE_BYTES = 64 * 1024
PIECE_ROWS = 500
SINGLE_ROWS = 50

# Adds all rows to ValidatedRows, given the index of the first of them; False, and none is added,
# if some of them need the other.
RowsValidator: TypeAlias = Callable[[ValidatedRows, int, Sequence[bytes]], bool]
RowValidator: TypeAlias = Callable[[ValidatedRows, int, bytes], None]

Row = TypeVar("Row")

# More than MAX_ROWS readings have; bounds the memory that a list of empty rows takes.
MAX_COMMAS = 10 * MAX_ROWS


def split_lines(body: bytes) -> Iterator[list[bytes]]:
    """The lines of NDJSON without their ends, blank ones too; raises TooManyRowsError."""
    start = lines = 0
    while start < len(body):
        end = body.rfind(b"\n", start, start + PIECE_BYTES) + 1
        if not end:
            end = body.find(b"\n", start + PIECE_BYTES) + 1 or len(body)
        piece = body[start:end].removesuffix(b"\n").split(b"\n")
        lines += len(piece)
        if lines > MAX_ROWS:
            raise TooManyRowsError
        yield piece
        start = end


def split_array(body: bytes) -> Iterator[list[bytes]]:
    """The elements of a JSON array, each as the bytes it is written in.

    Raises MalformedJsonError, InvalidRequestError when it is no array, or TooManyRowsError.
    """
    if body.count(b",") > MAX_COMMAS:
        raise TooManyRowsError
    elements = _decode_array(body)
    if len(elements) > MAX_ROWS:
        raise TooManyRowsError
    for piece in slices(elements, PIECE_ROWS):
        yield [bytes(element) for element in piece]


async def validate_rows(
    pieces: Iterable[Sequence[bytes]], validate_all: RowsValidator, validate: RowValidator
) -> ValidatedRows:
    """Have every row added: many at once, or each that is not blank.

    An error that `validate` raises rejects the row.
    """
    validated, first = ValidatedRows(), 0
    for piece in pieces:
        for rows in slices(piece, PIECE_ROWS):
            if not validate_all(validated, first, rows):
                await _validate_one_by_one(validated, first, rows, validate)
            first += len(rows)
            await asyncio.sleep(0)
    return validated


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


def _decode_array(body: bytes) -> list[Raw]:
    try:
        return _decode(body)
    except ValidationError as error:
        problem = FieldProblem("body", "validation_error", "body must be a JSON array")
        raise InvalidRequestError([problem]) from error
    except (DecodeError, RecursionError) as error:
        raise MalformedJsonError("The body is not JSON in UTF-8.") from error


_decode = Decoder(list[Raw]).decode
