"""An uploaded file as plain text on disk."""

import gzip
import zlib
from asyncio import to_thread
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from core.storage import Storage
from jobs.errors import FileFaultError

CHUNK_BYTES = 2**20

Checkpoint = Callable[[], None]  # raises when the work should stop


@asynccontextmanager
async def plain_file(
    storage: Storage, key: str, max_inflated_bytes: int, checkpoint: Checkpoint
) -> AsyncIterator[Path]:
    """The object as an uncompressed file.

    Raises FileFaultError when it cannot be inflated, or not within `max_inflated_bytes`.
    """
    async with storage.as_file(key) as path:
        if not key.endswith(".gz"):
            yield path
            return
        with TemporaryDirectory(prefix="sensorflow-") as folder:
            inflated = Path(folder) / "source.csv"
            await to_thread(inflate, path, inflated, max_inflated_bytes, checkpoint)
            yield inflated


def inflate(source: Path, target: Path, max_bytes: int, checkpoint: Checkpoint) -> None:
    """Write the contents of the gzip file `source` to `target`, in bounded memory."""
    try:
        with gzip.open(source) as packed, target.open("wb") as plain:
            while chunk := packed.read(CHUNK_BYTES):
                checkpoint()
                if plain.tell() + len(chunk) > max_bytes:
                    raise _too_large(max_bytes)
                plain.write(chunk)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise FileFaultError(
            "bad_compression",
            f"The file is named .gz, but is damaged or not gzip ({error}). Nothing of it was "
            "stored. Compress it again with gzip, or send it as plain .csv.",
        ) from error


def _too_large(max_bytes: int) -> FileFaultError:
    return FileFaultError(
        "inflated_too_large",
        f"The file inflates to more than {max_bytes} bytes. Nothing of it was stored. Split it, "
        "or raise SENSORFLOW_WORKER_MAX_INFLATED_BYTES.",
    )
