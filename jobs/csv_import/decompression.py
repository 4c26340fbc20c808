"""A file as it can be read: inflated."""

import gzip
import zlib
from asyncio import to_thread
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from jobs.errors import FileFaultError

CHUNK_BYTES = 2**20

Checkpoint = Callable[[], None]  # raises when the work should stop


def _open_zst(path: Path) -> Any:
    # Unlike zstandard's reader it tells a frame that ends early, and goes on to the next one.
    return pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")


OPENERS: dict[str, Callable[[Path], Any]] = {".gz": gzip.open, ".zst": _open_zst}


@asynccontextmanager
async def plain_file(
    path: Path, max_inflated_bytes: int, checkpoint: Checkpoint
) -> AsyncIterator[Path]:
    """The file, or what it inflates to.

    Raises FileFaultError when it cannot be inflated, or not within `max_inflated_bytes`.
    """
    if path.suffix not in OPENERS:
        yield path
        return
    with TemporaryDirectory(prefix="sensorflow-") as folder:
        inflated = Path(folder) / "source.csv"
        await to_thread(inflate, path, inflated, max_inflated_bytes, checkpoint)
        yield inflated


def inflate(source: Path, target: Path, max_bytes: int, checkpoint: Checkpoint) -> None:
    """Write the contents of the compressed file `source` to `target`, in bounded memory."""
    with target.open("wb") as plain:
        for chunk in _inflated(source):
            checkpoint()
            if plain.tell() + len(chunk) > max_bytes:
                raise inflated_too_large(max_bytes)
            plain.write(chunk)


def _inflated(source: Path) -> Iterator[bytes]:
    try:
        with OPENERS[source.suffix](source) as packed:
            while chunk := packed.read(CHUNK_BYTES):
                yield chunk
    except (OSError, EOFError, zlib.error) as error:
        if isinstance(error, OSError) and error.errno:  # the disk's fault, not the file's
            raise
        raise FileFaultError(
            "bad_compression",
            f"The file is named {source.suffix}, but is cut off, damaged or something else "
            f"({error}). Nothing of it was stored. Compress it again, or send it as plain .csv.",
        ) from error


def inflated_too_large(max_bytes: int) -> FileFaultError:
    """The fault of a file that is larger than it looks."""
    return FileFaultError(
        "inflated_too_large",
        f"The file inflates to more than {max_bytes} bytes. Nothing of it was stored. Split it, "
        "or raise SENSORFLOW_WORKER_MAX_INFLATED_BYTES.",
    )
