"""A body taken apart into rows, in pieces small enough to let other requests run between them."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from msgspec import DecodeError, Raw, ValidationError
from msgspec.json import Decoder

from api.http.json_object import MalformedJsonError
from api.http.problem_details import FieldProblem, InvalidRequestError
from api.readings.errors import MAX_READING_BYTES, MAX_ROWS, RowTooLongError, TooManyRowsError
from api.readings.received import Received
from core.errors import SensorFlowError

PIECE_BYTES = 64 * 1024
PIECE_ROWS = 500

# Take what rows say into `received`, given the index of the first, or of the one.
TakeRows: TypeAlias = Callable[[Received, int, Sequence[bytes]], None]
TakeRow: TypeAlias = Callable[[Received, int, bytes], None]

# More than rows of plain readings can have; bounds the memory that a list of empty rows takes.
MAX_COMMAS = 10 * MAX_ROWS


def lines(body: bytes) -> Iterator[list[bytes]]:
    """The lines of NDJSON without their ends, blank ones too; raises TooManyRowsError."""
    start = seen = 0
    while start < len(body):
        end = body.rfind(b"\n", start, start + PIECE_BYTES) + 1
        if not end:
            end = body.find(b"\n", start + PIECE_BYTES) + 1 or len(body)
        piece = body[start:end].removesuffix(b"\n").split(b"\n")
        seen += len(piece)
        if seen > MAX_ROWS:
            raise TooManyRowsError
        yield piece
        start = end


def elements(body: bytes) -> Iterator[list[bytes]]:
    """The elements of a JSON array, each as it is written.

    Raises MalformedJsonError, InvalidRequestError when it is no array, or TooManyRowsError.
    """
    if body.count(b",") > MAX_COMMAS:
        raise TooManyRowsError
    found = _array(body)
    if len(found) > MAX_ROWS:
        raise TooManyRowsError
    for start in range(0, len(found), PIECE_ROWS):
        yield [bytes(element) for element in found[start : start + PIECE_ROWS]]


async def received_in(pieces: Iterable[Sequence[bytes]], take: TakeRows) -> Received:
    """What `take` makes of the rows of every piece."""
    received, first = Received(), 0
    for rows in pieces:
        take(received, first, rows)
        first += len(rows)
        await asyncio.sleep(0)
    return received


def one_by_one(received: Received, first: int, rows: Sequence[bytes], take: TakeRow) -> None:
    """Have `take` look at every row that is not blank; it raises why it refuses one."""
    for index, row in enumerate(rows, first):
        try:
            if len(row) > MAX_READING_BYTES:
                raise RowTooLongError
            if row and not row.isspace():
                take(received, index, row)
        except SensorFlowError as error:
            received.reject(index, error)


def _array(body: bytes) -> list[Raw]:
    try:
        return _decode(body)
    except ValidationError as error:
        problem = FieldProblem("body", "validation_error", "body must be a JSON array")
        raise InvalidRequestError([problem]) from error
    except (DecodeError, RecursionError) as error:
        raise MalformedJsonError("The body is not JSON in UTF-8.") from error


_decode = Decoder(list[Raw]).decode
