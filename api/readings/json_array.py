"""A JSON array split into its elements, a piece of its text at a time.

Decoded as a whole, 32 MB would hold up all other requests: the decoder does not release the GIL.
"""

import re
from collections import deque
from collections.abc import Generator, Iterator, Sequence

from msgspec import DecodeError, Raw, ValidationError
from msgspec.json import Decoder

from api.http.json_object import MalformedJsonError
from api.http.problem_details import FieldProblem, InvalidRequestError
from api.readings.body_rows import PIECE_BYTES, row_of
from api.readings.errors import MAX_READING_BYTES, MAX_ROWS, TooManyRowsError

BLANKS = b" \t\r\n"
ARRAY_START = re.compile(rb"[ \t\r\n]*\[")
ELEMENT_END = b"},"
SIGN = re.compile(rb'["\[\]{},]')
SIGN_IN_STRING = re.compile(rb'["\\]')

DEPTHS = {b"[": 1, b"{": 1, b"]": -1, b"}": -1, b",": 0}

# Signs looked at between two moments at which other requests run.
SIGNS = 1_000

# Pieces, and where the text after them starts.
Pieces = Generator[list[bytes], None, int]


def split_array(body: bytes) -> Iterator[Sequence[bytes]]:
    """The elements, each as the bytes it is written in, once all of them are found.

    Before, and while it takes long, there are empty lists. Raises MalformedJsonError,
    InvalidRequestError when it is no array, or TooManyRowsError. Of an element that is longer than
    a reading may be the beginning is returned, whatever it is.
    """
    found, rows = deque[list[bytes]](), 0
    for piece in _pieces(body):
        rows += len(piece)
        if rows > MAX_ROWS:
            raise TooManyRowsError
        found.append(piece)
        yield ()
    while found:
        yield found.popleft()


def _pieces(body: bytes) -> Iterator[list[bytes]]:
    """Pieces that end with an object, as nearly all do, are decoded as arrays of their own.

    If that succeeds, the comma after it divides elements: the array's text up to there is the same.
    """
    first = start = yield from _skip_start(body)
    while len(body) - start > PIECE_BYTES:
        end = body.rfind(ELEMENT_END, start, start + PIECE_BYTES) + 1
        if elements := _decode_piece(body[start:end]):
            yield elements
            start = end + 1
        else:
            start = yield from _one_by_one(body, start, is_first=start == first)
    if start <= len(body):
        yield _decode(b"[" + body[start:], may_be_empty=start == first)


def _skip_start(body: bytes) -> Pieces:
    start = yield from _skip_blanks(body, 0)
    opened = ARRAY_START.match(body, start, start + PIECE_BYTES)
    if opened is None:
        _decode(body, may_be_empty=False)
        raise _malformed()
    return (yield from _skip_blanks(body, opened.end()))


def _skip_blanks(body: bytes, start: int) -> Pieces:
    """Skip pieces that are blank."""
    while start < len(body) and not body[start : start + PIECE_BYTES].strip(BLANKS):
        start += PIECE_BYTES
        yield []
    return min(start, len(body))


def _one_by_one(body: bytes, start: int, *, is_first: bool) -> Pieces:
    """The elements of a piece by the signs around them; past the body, if the array has ended."""
    elements, until = list[bytes](), start + PIECE_BYTES
    for end in _element_ends(body, start):
        if end is None:
            yield []
            continue
        is_last = body[end : end + 1] == b"]"
        elements += _element(row_of(body, start, end), may_be_none=is_first and is_last)
        start, is_first = end + 1, False
        if is_last:
            yield elements
            yield from _require_blank(body, start)
            return len(body) + 1
        if start >= until:
            yield elements
            return start
    raise _malformed()


def _element_ends(body: bytes, start: int) -> Iterator[int | None]:
    """Where the elements end, by a comma or a bracket; None where it takes long."""
    depth, in_string, signs = 0, False, 0
    while start < len(body):
        signs += 1
        if signs % SIGNS == 0:
            yield None
        found = (SIGN_IN_STRING if in_string else SIGN).search(body, start, start + PIECE_BYTES)
        if found is None:
            start += PIECE_BYTES
            continue
        start, sign = found.end(), found[0]
        if sign == b"\\":
            start += 1
        elif sign == b'"':
            in_string = not in_string
        elif depth == 0 and sign in b",]":
            yield found.start()
        else:
            depth += DEPTHS[sign]


def _require_blank(body: bytes, start: int) -> Pieces:
    rest = yield from _skip_blanks(body, start)
    if body[rest : rest + PIECE_BYTES].strip(BLANKS):
        raise _malformed()
    return rest


def _element(text: bytes, *, may_be_none: bool) -> list[bytes]:
    if len(text) > MAX_READING_BYTES:
        return [text]
    return _decode(b"[" + text + b"]", may_be_empty=may_be_none)


def _decode_piece(text: bytes) -> list[bytes]:
    """The elements; none if the piece does not end where one does."""
    try:
        return _decode(b"[" + text + b"]", may_be_empty=True)
    except MalformedJsonError:
        return []


def _decode(text: bytes, *, may_be_empty: bool) -> list[bytes]:
    """The elements of an array. Raises as split_array."""
    try:
        elements = _decode_array(text)
    except ValidationError as error:
        problem = FieldProblem("body", "validation_error", "body must be a JSON array")
        raise InvalidRequestError([problem]) from error
    except (DecodeError, RecursionError) as error:
        raise _malformed() from error
    if not elements and not may_be_empty:
        raise _malformed()
    return list(map(bytes, elements))


def _malformed() -> MalformedJsonError:
    return MalformedJsonError("The body is not JSON in UTF-8.")


_decode_array = Decoder(list[Raw]).decode
