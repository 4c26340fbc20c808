"""The first lines of a file, as a file of their own."""

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from core.imports import Encoding, ImportOptions
from jobs.csv_import.plain_text import stages_of

SAMPLE_BYTES = 2**16
# A character has at most four bytes, and in the sample at least one.
MAX_CHARACTER_BYTES = 4


class FilePart(NamedTuple):
    """A file, or of one that is cut off there its beginning."""

    path: Path
    is_cut: bool = False


class Sample(NamedTuple):
    """A file of whole lines of plain text, and whether they are all of their source."""

    path: Path
    is_whole: bool


@contextmanager
def first_lines(
    source: FilePart, options: ImportOptions, max_bytes: int = SAMPLE_BYTES
) -> Iterator[Sample]:
    """The first `max_bytes` of the plain text, without the line that these cut.

    Raises FileFaultError if it cannot be unpacked, or OSError.
    """
    with TemporaryDirectory(prefix="sensorflow-") as folder:
        text, is_cut = source
        for number, stage in enumerate(stages_of(text, is_cut=is_cut)):
            content = stage(text, options)
            if content is not None:
                text = Path(folder) / f"{number}.csv"
                text.write_bytes(_first_bytes(content, MAX_CHARACTER_BYTES * max_bytes))
        lines = _whole_lines(text, max_bytes, is_cut=is_cut)
        sample = Path(folder) / "sample.csv"
        sample.write_bytes(lines)
        yield Sample(sample, is_whole=not is_cut and len(lines) == text.stat().st_size)


def likely_encoding(source: FilePart, given: ImportOptions) -> Encoding:
    """The encoding that is given, or one in which the first lines are text.

    Raises what first_lines() does.
    """
    if given.encoding is not Encoding.UTF_8:
        return given.encoding
    with first_lines(source, given) as sample:
        content = sample.path.read_bytes()
    if b"\0" in content:
        return Encoding.UTF_16
    try:
        content.decode()
    except UnicodeDecodeError:
        return Encoding.WINDOWS_1252
    return Encoding.UTF_8


def _first_bytes(content: Iterator[bytes], max_bytes: int) -> bytes:
    """A byte more than `max_bytes`, or all."""
    first = bytearray()
    for chunk in content:
        first += chunk
        if len(first) > max_bytes:
            break
    return bytes(first[: max_bytes + 1])


def _whole_lines(text: Path, max_bytes: int, *, is_cut: bool) -> bytes:
    with text.open("rb") as file:
        content = file.read(max_bytes + 1)
    if len(content) <= max_bytes and not is_cut:
        return content
    content = content[:max_bytes]
    return content[: content.rfind(b"\n") + 1] or _whole_characters(content)


def _whole_characters(line: bytes) -> bytes:
    """The line without the character that its end cuts."""
    _, whole_bytes = codecs.utf_8_decode(line, "replace", False)
    return line[:whole_bytes]
