"""Text in other encodings and with other line ends than the rest of the platform reads."""

import codecs
from collections.abc import Iterator
from pathlib import Path

from core.imports import Encoding, ImportOptions

CHUNK_BYTES = 2**20

# What a file begins with says more than an option; without a mark UTF-16 is as Windows writes it.
MARKED: dict[bytes, str | None] = {
    codecs.BOM_UTF8: None,
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
DECLARED: dict[Encoding, str | None] = {
    Encoding.UTF_8: None,
    Encoding.UTF_16: "utf-16-le",
    Encoding.WINDOWS_1252: "cp1252",
}


def recoded(path: Path, options: ImportOptions) -> Iterator[bytes] | None:
    """The text in UTF-8, if it is in another encoding; U+FFFD for what is none in this."""
    with path.open("rb") as file:
        start = file.read(len(codecs.BOM_UTF8))
    by_mark = (codec for mark, codec in MARKED.items() if start.startswith(mark))
    codec = next(by_mark, DECLARED[options.encoding])
    return _recoded(path, codec) if codec else None


def with_line_feeds(path: Path, _options: ImportOptions) -> Iterator[bytes] | None:
    """The text with a line feed for each carriage return, if these alone end its lines."""
    has_returns = False
    for chunk in _chunks(path):
        if b"\n" in chunk:
            return None
        has_returns |= b"\r" in chunk
    return (chunk.replace(b"\r", b"\n") for chunk in _chunks(path)) if has_returns else None


def _recoded(path: Path, codec: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(codec)(errors="replace")
    for chunk in _chunks(path):
        yield decoder.decode(chunk).encode()
    yield decoder.decode(b"", final=True).encode()


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
