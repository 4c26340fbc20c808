"""The file of an import, known to be the one that was sent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from jobs.csv_import.context import ImportWork
from jobs.csv_import.decompression import plain_file
from jobs.csv_import.repository import Claim
from jobs.errors import FileFaultError


@asynccontextmanager
async def received_file(work: ImportWork, claim: Claim) -> AsyncIterator[Path]:
    """The import's file, uncompressed.

    One from a bucket, which the API has not seen, is recognised by its checksum. Raises
    FileFaultError: the file is not the one announced, or cannot be inflated; ObjectReplacedError.
    """
    limit = work.worker.max_inflated_bytes
    async with work.storage.as_file(claim.object_key, claim.object_e_tag) as stored:
        if stored.sha256 is not None and claim.sha256 is None:
            _require_announced(claim, stored.sha256)
            await work.imports.record_checksum(claim, stored.sha256)
        async with plain_file(stored.path, limit, work.checkpoint) as path:
            yield path


def _require_announced(claim: Claim, sha256: bytes) -> None:
    if claim.announced_sha256 not in {None, sha256}:
        raise FileFaultError(
            "wrong_checksum",
            f"The file that arrived has the SHA-256 {sha256.hex()}, another was announced. "
            "Nothing of it was stored. Ask for a new upload and send the file again.",
        )
