"""The bytes of a request's body, inflated within bounds."""

import zlib
from asyncio import to_thread
from collections.abc import Callable
from typing import Any, Protocol

import zstandard
from litestar import Request

from api.http.problem_details import UnsupportedMediaTypeError
from core.errors import SensorFlowError

MAX_BODY_BYTES = 32 * 2**20

# What a decompressor is fed at a time: zstd makes 16 MB of so little at most, gzip half of one.
FED_BYTES = 512
ZSTD_WINDOW_BYTES = 8 * 2**20  # RFC 9659: what a receiver must support
GZIP = 16 + zlib.MAX_WBITS


class MalformedEncodingError(SensorFlowError):
    """The body is not compressed as its Content-Encoding says, or it ends early."""

    code = "malformed_encoding"


class BodyTooLargeError(SensorFlowError):
    """The body inflates to more than is read."""

    code = "body_too_large"


class Decompressor(Protocol):
    """What zlib and zstandard have in common: one member or frame."""

    @property
    def eof(self) -> bool:
        """Whether its end has been seen."""

    @property
    def unused_data(self) -> bytes:
        """What came after the end."""

    def decompress(self, data: bytes, /) -> bytes:
        """What so much more of the input makes."""


def media_type(request: Request[Any, Any, Any]) -> str:
    """What the body is announced as, in lower case and without parameters."""
    announced, _, _ = request.headers.get("content-type", "").partition(";")
    return announced.strip().lower()


async def read_body(request: Request[Any, Any, Any]) -> bytes:
    """The body as it was before it was compressed.

    Raises UnsupportedMediaTypeError for an encoding other than gzip and zstd, BodyTooLargeError
    above MAX_BODY_BYTES, MalformedEncodingError.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "identity":
        return await request.body()
    if encoding not in DECOMPRESSORS:
        raise UnsupportedMediaTypeError("Send the body as it is, or as gzip or zstd.")
    # In a thread: nearly all of the time goes by inside of zlib or zstd, which let others run.
    return await to_thread(inflated, await request.body(), DECOMPRESSORS[encoding])


def inflated(body: bytes, new: Callable[[], Decompressor]) -> bytes:
    """The body inflated, member after member."""
    out, decompressor = bytearray(), new()
    try:
        for start in range(0, len(body), FED_BYTES):
            piece = body[start : start + FED_BYTES]
            while piece:
                if decompressor.eof:
                    decompressor = new()
                out += decompressor.decompress(piece)
                piece = decompressor.unused_data
            _require_bounded(out)
    except (zlib.error, zstandard.ZstdError) as error:
        raise MalformedEncodingError("The body is not as its Content-Encoding says.") from error
    if not decompressor.eof:
        raise MalformedEncodingError("The compressed body ends before its end.")
    return bytes(out)


def _require_bounded(out: bytearray) -> None:
    if len(out) > MAX_BODY_BYTES:
        raise BodyTooLargeError(f"Send a body that inflates to at most {MAX_BODY_BYTES} bytes.")


def _gzip() -> Decompressor:
    return zlib.decompressobj(GZIP)


def _zstd() -> Decompressor:
    decompressor: Decompressor = zstandard.ZstdDecompressor(
        max_window_size=ZSTD_WINDOW_BYTES
    ).decompressobj()
    return decompressor


DECOMPRESSORS: dict[str, Callable[[], Decompressor]] = {"gzip": _gzip, "zstd": _zstd}
