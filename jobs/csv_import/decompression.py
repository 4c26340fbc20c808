"""Compressed files, decompressed to a temporary file within a size limit."""

import gzip
import zlib
from asyncio import to_thread
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from core.imports import ImportFault
from jobs.errors import FileFaultError

CHUNK_BYTES = 2**20


def _open_zst(path: Path) -> Any:
    # Unlike zstandard's reader it reports a frame that ends early, and continues with the next one.
    return pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")


OPENERS: dict[str, Callable[[Path], Any]] = {".gz": gzip.open, ".zst": _open_zst}


@asynccontextmanager
async def decompressed_file(
    path: Path, max_bytes: int, raise_if_stopping: Callable[[], None]
) -> AsyncIterator[Path]:
    """The file itself, or, if its suffix is one of OPENERS, its decompressed contents.

    Raises FileFaultError when it cannot be decompressed, or not within `max_bytes`.
    """
    if path.suffix.lower() not in OPENERS:
        yield path
        return
    with TemporaryDirectory(prefix="sensorflow-") as folder:
        target = Path(folder) / "source.csv"
        await to_thread(decompress, path, target, max_bytes, raise_if_stopping)
        yield target


def decompress(
    source: Path, target: Path, max_bytes: int, raise_if_stopping: Callable[[], None]
) -> None:
    """Write the contents of the compressed file `source` to `target`, in bounded memory."""
    with target.open("wb") as output:
        for chunk in decompressed_chunks(source):
            raise_if_stopping()
            if output.tell() + len(chunk) > max_bytes:
                raise decompressed_too_large(max_bytes)
            output.write(chunk)


def decompressed_chunks(source: Path) -> Iterator[bytes]:
    """The contents of a compressed file. Raises FileFaultError `bad_compression`, or OSError."""
    try:
        with OPENERS[source.suffix.lower()](source) as compressed:
            while chunk := compressed.read(CHUNK_BYTES):
                yield chunk
    except (OSError, EOFError, zlib.error) as error:
        if isinstance(error, OSError) and error.errno:  # the disk's fault, not the file's
            raise
        raise FileFaultError(
            ImportFault.BAD_COMPRESSION,
            f"The file is named {source.suffix}, but is cut off, damaged or something else "
            f"({error}). Nothing of it was stored. Compress it again, or send it as plain .csv.",
        ) from error


def decompressed_too_large(max_bytes: int) -> FileFaultError:
    """The error for a file that decompresses to more than the limit."""
    return FileFaultError(
        ImportFault.INFLATED_TOO_LARGE,
        f"The file inflates to more than {max_bytes} bytes. Nothing of it was stored. Split it, "
        "or raise SENSORFLOW_WORKER_MAX_INFLATED_BYTES.",
    )
