"""The bytes of a request's body, decompressed within bounds."""

import zlib
from asyncio import to_thread
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import zstandard
from litestar import Request
from litestar.types import Empty

from api.http.problem_details import UnsupportedMediaTypeError
from core.errors import SensorFlowError

MAX_BODY_BYTES = 32 * 2**20
JOINED_BYTES = 2**20  # from so many on, bytes.join releases the GIL

# Input per call of a decompressor: zstd makes at most 16 MB of so little, gzip half of one.
INPUT_BYTES = 512
ZSTD_WINDOW_BYTES = 8 * 2**20  # RFC 9659: what a receiver must support
GZIP = 16 + zlib.MAX_WBITS

# What compressed bytes start with, and no text.
MAGIC_NUMBERS = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}


class MalformedEncodingError(SensorFlowError):
    """The body is not compressed as its Content-Encoding says or does not say, or ends early."""

    code = "malformed_encoding"


class BodyTooLargeError(SensorFlowError):
    """The decompressed body is larger than MAX_BODY_BYTES."""

    code = "body_too_large"


class Decompressor(Protocol):
    """The decompressors of zlib and zstandard: each for one member or frame."""

    @property
    def eof(self) -> bool:
        """Whether the end of the member has been reached."""

    @property
    def unused_data(self) -> bytes:
        """The input after that end."""

    def decompress(self, data: bytes, /) -> bytes:
        """The output for more of the input."""


class TextRequest(Request[Any, Any, Any]):
    """The request class of the application: a body that is read whole has no byte order mark.

    Windows' tools put one before text; inside of the text it would belong to the first name.
    """

    async def body(self) -> bytes:
        """The body as it was sent, but for the mark."""
        if self._body is Empty:
            pieces = [piece async for piece in self.stream()]
            self._body = self._connection_state.body = await _joined(pieces)
        return self._body


def media_type(request: Request[Any, Any, Any]) -> str:
    """The Content-Type in lower case, without parameters."""
    content_type, _, _ = request.headers.get("content-type", "").partition(";")
    return content_type.strip().lower()


async def read_body(request: Request[Any, Any, Any]) -> bytes:
    """The body without its Content-Encoding and a byte order mark.

    Raises UnsupportedMediaTypeError for an encoding other than gzip and zstd, BodyTooLargeError
    above MAX_BODY_BYTES, MalformedEncodingError.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    body = await request.body()
    if encoding == "identity":
        _require_no_compression(body)
        return body
    if encoding not in DECOMPRESSORS:
        raise UnsupportedMediaTypeError("Send the body as it is, or as gzip or zstd.")
    # In a thread: zlib and zstd take nearly all of the time and release the GIL.
    return await to_thread(decompress, body, DECOMPRESSORS[encoding])


def decompress(body: bytes, new_decompressor: Callable[[], Decompressor]) -> bytes:
    """The text that the body is decompressed to, member after member."""
    pieces, size, decompressor = list[bytes](), 0, new_decompressor()
    try:
        for start in range(0, len(body), INPUT_BYTES):
            chunk = body[start : start + INPUT_BYTES]
            while chunk:
                if decompressor.eof:
                    decompressor = new_decompressor()
                pieces.append(decompressor.decompress(chunk))
                size += len(pieces[-1])
                chunk = decompressor.unused_data
            _require_within_limit(size)
    except (zlib.error, zstandard.ZstdError) as error:
        raise MalformedEncodingError("The body is not as its Content-Encoding says.") from error
    if not decompressor.eof:
        raise MalformedEncodingError("The compressed body ends before its end.")
    return _join(pieces)


async def _joined(pieces: Sequence[bytes]) -> bytes:
    """As `_join`, in a thread if it takes long, during which the GIL is released."""
    if sum(map(len, pieces)) < JOINED_BYTES:
        return _join(pieces)
    return await to_thread(_join, pieces)


def _join(pieces: Iterable[bytes]) -> bytes:
    """The text without its byte order mark; only its beginning is copied twice."""
    filled = [piece for piece in pieces if piece]
    start = b"".join(filled[: len(BOM_UTF8)]).removeprefix(BOM_UTF8)
    return b"".join([start, *filled[len(BOM_UTF8) :]])


def _require_no_compression(body: bytes) -> None:
    for encoding, magic in MAGIC_NUMBERS.items():
        if body.startswith(magic):
            raise MalformedEncodingError(
                f"The body is compressed with {encoding}. Send Content-Encoding: {encoding}."
            )


def _require_within_limit(size_bytes: int) -> None:
    if size_bytes > MAX_BODY_BYTES:
        raise BodyTooLargeError(f"Send a body that inflates to at most {MAX_BODY_BYTES} bytes.")


def _gzip() -> Decompressor:
    return zlib.decompressobj(GZIP)


def _zstd() -> Decompressor:
    decompressor: Decompressor = zstandard.ZstdDecompressor(
        max_window_size=ZSTD_WINDOW_BYTES
    ).decompressobj()
    return decompressor


DECOMPRESSORS: dict[str, Callable[[], Decompressor]] = {"gzip": _gzip, "zstd": _zstd}
