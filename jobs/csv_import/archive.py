"""The one text file of a ZIP archive."""

import errno
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from core.imports import ImportFault, ImportOptions
from jobs.errors import FileFaultError

CHUNK_BYTES = 2**20
MAX_DIRECTORY_BYTES = 2**20  # some 10,000 entries
ENTRY_EXTENSIONS = (".csv", ".tsv", ".txt")
QUOTED_CHARACTERS = 80
ENCRYPTED = 0x1  # of the flags of an entry

# What the module raises for archives that are damaged, or made by none of the usual programs.
ARCHIVE_ERRORS = (
    BadZipFile, EOFError, zlib.error, NotImplementedError, ValueError, struct.error, RuntimeError,
)  # fmt: skip


def archived_text(path: Path, _options: ImportOptions) -> Iterator[bytes]:
    """The content of the archive's file.

    No name in the archive becomes a path. Raises FileFaultError while it is read: `bad_archive`.
    """
    with (
        _archive_faults(),
        path.open("rb", buffering=0) as raw,
        _BoundedReads(raw) as file,
        ZipFile(file) as archive,
    ):
        entry = _only_file(archive)
        declared_bytes = entry.file_size
        # Read to the end of the compressed data, not only as far as the archive says.
        entry.file_size = zipfile.ZIP64_LIMIT**2
        read_bytes = 0
        with archive.open(entry) as content:
            while chunk := content.read(CHUNK_BYTES):
                read_bytes += len(chunk)
                yield chunk
        if read_bytes != declared_bytes:
            raise BadZipFile(f"it has {read_bytes} bytes where the archive says {declared_bytes}")


class _BoundedReads(io.BufferedReader):
    """Refuses the read of an archive's directory that would not fit the memory."""

    def read(self, size: int | None = -1) -> bytes:
        """The bytes. Raises BadZipFile when there are to be too many of them."""
        limit = MAX_DIRECTORY_BYTES + 1
        content = super().read(limit if size is None or size < 0 else min(size, limit))
        if len(content) == limit:
            raise BadZipFile("its directory is too large")
        return content


def _only_file(archive: ZipFile) -> ZipInfo:
    entries = [entry for entry in archive.infolist() if not _is_passed_over(entry)]
    if len(entries) != 1:
        raise _bad_archive(f"it holds {len(entries)} files")
    (entry,) = entries
    if not entry.filename.lower().endswith(ENTRY_EXTENSIONS):
        name = entry.filename[-QUOTED_CHARACTERS:]
        raise _bad_archive(f"its file {name!r} ends in none of {', '.join(ENTRY_EXTENSIONS)}")
    if entry.flag_bits & ENCRYPTED:
        raise _bad_archive("its file is encrypted")
    if entry.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
        raise _bad_archive("its file is compressed by another method than Deflate")
    return entry


def _is_passed_over(entry: ZipInfo) -> bool:
    """Whether it is a folder, or what macOS stores beside a file."""
    return entry.is_dir() or entry.filename.startswith("__MACOSX/")


@contextmanager
def _archive_faults() -> Iterator[None]:
    try:
        yield
    except (*ARCHIVE_ERRORS, OSError) as error:
        # A seek to before the file's beginning is the archive's fault, any other the disk's.
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise
        raise _bad_archive(f"it is cut off, damaged or something else: {error}") from error


def _bad_archive(reason: str) -> FileFaultError:
    return FileFaultError(
        ImportFault.BAD_ARCHIVE,
        f"The file is named .zip, but cannot be read: {reason}. Nothing of it was stored. Pack one "
        "CSV file alone, without a password, or send it as .csv or .csv.gz.",
    )
