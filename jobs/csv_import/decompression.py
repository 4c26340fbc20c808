"""The contents of compressed files."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import zstandard

from core.imports import ImportFault, ImportOptions
from jobs.errors import FileFaultError

CHUNK_BYTES = 2**16


def _open_zst(path: Path) -> Any:
    # Unlike zstandard's reader it reports a frame that ends early, and continues with the next one.
    return pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")


OPENERS: dict[str, Callable[[Path], Any]] = {".gz": gzip.open, ".zst": _open_zst}


def decompressed(path: Path, _options: ImportOptions) -> Iterator[bytes] | None:
    """The contents of a file whose suffix is one of OPENERS.

    Raises FileFaultError while they are read: `bad_compression`.
    """
    return _chunks(path) if path.suffix.lower() in OPENERS else None


def _chunks(path: Path) -> Iterator[bytes]:
    suffix = path.suffix.lower()
    try:
        with OPENERS[suffix](path) as compressed:
            while chunk := compressed.read(CHUNK_BYTES):
                yield chunk
    except (OSError, EOFError, zlib.error) as error:
        if isinstance(error, OSError) and error.errno:  # the disk's fault, not the file's
            raise
        raise _bad_compression(suffix, error) from error


def _bad_compression(suffix: str, error: Exception) -> FileFaultError:
    return FileFaultError(
        ImportFault.BAD_COMPRESSION,
        f"The file is named {suffix}, but is cut off, damaged or something else "
        f"({error}). Nothing of it was stored. Compress it again, or send it as plain .csv.",
    )


def beginning_decompressed(path: Path, _options: ImportOptions) -> Iterator[bytes] | None:
    """The contents as `decompressed` has them, of a file that is cut off as far as they go.

    Raises FileFaultError while they are read: `bad_compression`.
    """
    match path.suffix.lower():
        case ".gz":
            return _until_cut(_chunks(path))
        case ".zst":
            return _zst_chunks(path)
        case _:
            return None


def _until_cut(chunks: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from chunks
    except FileFaultError as fault:
        if not isinstance(fault.__cause__, EOFError):
            raise


def _zst_chunks(path: Path) -> Iterator[bytes]:
    # Where the file is cut off, its reader ends; Arrow's allocates a gigabyte and fails.
    try:
        with (
            path.open("rb") as file,
            zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as content,
        ):
            while chunk := content.read(CHUNK_BYTES):
                yield chunk
    except zstandard.ZstdError as error:
        raise _bad_compression(".zst", error) from error


def inflated_too_large(max_bytes: int) -> FileFaultError:
    """The error for a file that decompresses to more than the limit."""
    return FileFaultError(
        ImportFault.INFLATED_TOO_LARGE,
        f"The file inflates to more than {max_bytes} bytes. Nothing of it was stored. Split it, "
        "or raise SENSORFLOW_WORKER_MAX_INFLATED_BYTES.",
    )
