"""The first lines of a file, as a file of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from jobs.csv_import.decompression import OPENERS, decompressed_chunks

SAMPLE_BYTES = 2**16


@contextmanager
def first_lines(path: Path) -> Iterator[Path]:
    """A file with the first SAMPLE_BYTES of the text, without the line that these cut.

    Raises FileFaultError `bad_compression`, or OSError.
    """
    content = _first_bytes(path)
    if len(content) > SAMPLE_BYTES:
        content = content[:SAMPLE_BYTES]
        content = content[: content.rfind(b"\n") + 1] or content
    with TemporaryDirectory(prefix="sensorflow-") as folder:
        target = Path(folder) / "sample.csv"
        target.write_bytes(content)
        yield target


def _first_bytes(path: Path) -> bytes:
    """At least one byte more than a sample has, if there are as many."""
    if path.suffix.lower() in OPENERS:
        return next(decompressed_chunks(path), b"")
    with path.open("rb") as file:
        return file.read(SAMPLE_BYTES + 1)
