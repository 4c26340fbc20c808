"""The first lines of a file, as a file of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from core.imports import Encoding, ImportOptions
from jobs.csv_import.plain_text import stages_of

SAMPLE_BYTES = 2**16
# A character has at most four bytes, and in the sample at least one.
ENCODED_BYTES = 4 * SAMPLE_BYTES


@contextmanager
def first_lines(path: Path, options: ImportOptions) -> Iterator[Path]:
    """A file with the first SAMPLE_BYTES of the plain text, without the line that these cut.

    Raises FileFaultError if it cannot be unpacked, or OSError.
    """
    with TemporaryDirectory(prefix="sensorflow-") as folder:
        text = path
        for number, stage in enumerate(stages_of(path)):
            content = stage(text, options)
            if content is not None:
                text = Path(folder) / f"{number}.csv"
                text.write_bytes(_first_bytes(content))
        sample = Path(folder) / "sample.csv"
        sample.write_bytes(_whole_lines(text))
        yield sample


def likely_encoding(path: Path, given: ImportOptions) -> Encoding:
    """The encoding that is given, or one in which the first lines are text.

    Raises what first_lines() does.
    """
    if given.encoding is not Encoding.UTF_8:
        return given.encoding
    with first_lines(path, given) as sample:
        content = sample.read_bytes()
    if b"\0" in content:
        return Encoding.UTF_16
    try:
        content.decode()
    except UnicodeDecodeError:
        return Encoding.WINDOWS_1252
    return Encoding.UTF_8


def _first_bytes(content: Iterator[bytes]) -> bytes:
    first = bytearray()
    for chunk in content:
        first += chunk
        if len(first) > ENCODED_BYTES:
            break
    return bytes(first[: ENCODED_BYTES + 1])


def _whole_lines(text: Path) -> bytes:
    with text.open("rb") as file:
        content = file.read(SAMPLE_BYTES + 1)
    if len(content) <= SAMPLE_BYTES:
        return content
    content = content[:SAMPLE_BYTES]
    return content[: content.rfind(b"\n") + 1] or content
