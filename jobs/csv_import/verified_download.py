from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from core.imports import ImportFault
from jobs.csv_import.context import ImportContext
from jobs.csv_import.plain_text import plain_text_file
from jobs.csv_import.repository import Claim
from jobs.errors import FileFaultError


@asynccontextmanager
async def verified_download(context: ImportContext, claim: Claim) -> AsyncIterator[Path]:
    """The import's file as plain text, with the checksum that was announced.

    A file that was sent to a bucket, past the API, has its checksum recorded here, by which the
    first import of the same bytes is known. Raises FileFaultError: the file is not the one
    announced, or cannot be unpacked; ObjectReplacedError.
    """
    max_bytes = context.worker.max_inflated_bytes
    async with context.storage.as_file(claim.object_key, claim.object_e_tag) as stored:
        if stored.sha256 is not None and claim.sha256 is None:
            _require_announced(claim, stored.sha256)
            await context.imports.record_checksum(claim, stored.sha256)
        async with plain_text_file(
            stored.path, claim.options, max_bytes, context.raise_if_stopping
        ) as path:
            yield path


def _require_announced(claim: Claim, sha256: bytes) -> None:
    if claim.announced_sha256 not in {None, sha256}:
        raise FileFaultError(
            ImportFault.WRONG_CHECKSUM,
            f"The file that arrived has the SHA-256 {sha256.hex()}, another was announced. "
            "Nothing of it was stored. Ask for a new upload and send the file again.",
        )
