"""How large the pages of a Parquet file become, which are decompressed as wholes.

Only a page's own header says so, and pyarrow neither shows nor limits it: a file of some kilobytes
may have pages of 2 GB. Headers are Thrift structs in the compact protocol: PageHeader of
parquet.thrift.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from core.imports import ImportFault
from jobs.csv_import.thrift_compact import CompactReader, damaged_page
from jobs.errors import FileFaultError

# Most writers make pages of 1 MB, some one page of a column's part of a row group. A page of texts
# takes several times its size, as one text may be all of it; one of numbers does not.
MAX_DICTIONARY_BYTES = 16 * 2**20
MAX_TEXT_BYTES = 128 * 2**20
MAX_NUMBER_BYTES = 512 * 2**20
MAX_READ_BYTES = 32 * 2**20  # of values that are read at once

HEADER_BYTES = 4 * 1024  # nearly every header; one with long statistics is read again
MAX_HEADER_BYTES = 2**20

# Field numbers of PageHeader, and of the number of values in either kind of data page.
UNCOMPRESSED_SIZE, COMPRESSED_SIZE, DATA_PAGE, DATA_PAGE_V2 = 2, 3, 5, 8
VALUES = 1

# Of FileMetaData, RowGroup, ColumnChunk and ColumnMetaData.
ROW_GROUPS, COLUMN_CHUNKS, COLUMN_METADATA = 4, 1, 3
PHYSICAL_TYPE, PATH, CHUNK_BYTES, DATA_OFFSET, DICTIONARY_OFFSET = 1, 3, 7, 9, 11
BYTE_ARRAY = 6
TRAILER_BYTES = 8  # the footer's size and PAR1


@dataclass(frozen=True, slots=True)
class Page:
    """A page when it is decompressed; a dictionary has no values of rows."""

    column: str
    is_text: bool
    size_bytes: int
    values: int

    @property
    def max_bytes(self) -> int:
        """How large a page of this kind may be."""
        if not self.values:
            return MAX_DICTIONARY_BYTES
        return MAX_TEXT_BYTES if self.is_text else MAX_NUMBER_BYTES


def rows_to_read_at_once(path: Path, columns: Collection[str], rows: int) -> int:
    """So many rows, or fewer where values are long.

    Raises FileFaultError `inflated_too_large` for a page that is too large, or `bad_parquet`.
    """
    for page in _pages(path, columns):
        if page.size_bytes > page.max_bytes:
            raise _page_too_large(page)
        if page.values:
            rows = min(rows, MAX_READ_BYTES * page.values // max(page.size_bytes, 1))
    return max(rows, 1)


def _page_too_large(page: Page) -> FileFaultError:
    return FileFaultError(
        ImportFault.INFLATED_TOO_LARGE,
        f"A page of the column {page.column} inflates to {page.size_bytes} bytes; at most "
        f"{page.max_bytes} are read at once. Nothing of the file was stored. Write it with smaller "
        "pages, or shorter texts.",
    )


def _pages(path: Path, columns: Collection[str]) -> Iterator[Page]:
    file_bytes = path.stat().st_size
    with path.open("rb") as file:
        for column in _column_chunks(file, file_bytes):
            if column.name in columns:
                yield from _pages_of_chunk(file, file_bytes, column)


@dataclass(frozen=True, slots=True)
class _ColumnChunk:
    """A column's part of a row group, and where in the file it is."""

    name: str
    is_text: bool
    start: int
    end: int


def _column_chunks(file: BinaryIO, file_bytes: int) -> Iterator[_ColumnChunk]:
    """As the footer has them: pyarrow aborts the process where that is damaged."""
    file.seek(file_bytes - TRAILER_BYTES)
    footer_bytes = int.from_bytes(file.read(4), "little")
    file.seek(max(file_bytes - TRAILER_BYTES - footer_bytes, 0))
    reader = CompactReader(file.read(footer_bytes))
    try:
        for group in reader.structs_of_list(ROW_GROUPS):
            for chunk in group[COLUMN_CHUNKS]:
                yield _column_chunk(chunk[COLUMN_METADATA])
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise damaged_page() from error


def _column_chunk(metadata: dict[int, Any]) -> _ColumnChunk:
    offsets = (metadata.get(DICTIONARY_OFFSET), metadata[DATA_OFFSET])
    start = min(filter(None, offsets), default=0)
    return _ColumnChunk(
        name=b".".join(metadata[PATH]).decode(),
        is_text=metadata[PHYSICAL_TYPE] == BYTE_ARRAY,
        start=start,
        end=start + metadata[CHUNK_BYTES],
    )


def _pages_of_chunk(file: BinaryIO, file_bytes: int, chunk: _ColumnChunk) -> Iterator[Page]:
    if not 0 <= chunk.start <= chunk.end <= file_bytes:
        raise damaged_page()
    start = chunk.start
    while start < chunk.end:
        file.seek(start)
        header = _read_header(file)
        yield Page(chunk.name, chunk.is_text, header.uncompressed_bytes, header.values)
        start += header.size_bytes + header.compressed_bytes


@dataclass(frozen=True, slots=True)
class _Header:
    size_bytes: int
    uncompressed_bytes: int
    compressed_bytes: int
    values: int


def _read_header(file: BinaryIO) -> _Header:
    reader = CompactReader(file.read(HEADER_BYTES))
    try:
        fields = reader.struct()
    except IndexError:
        reader = reader.with_more(file.read(MAX_HEADER_BYTES))
        try:
            fields = reader.struct()
        except IndexError:
            raise damaged_page() from None
    data_page = fields.get(DATA_PAGE) or fields.get(DATA_PAGE_V2) or {}
    counts = (fields.get(UNCOMPRESSED_SIZE), fields.get(COMPRESSED_SIZE))
    match (*counts, data_page.get(VALUES, 0) if isinstance(data_page, dict) else None):
        case int(uncompressed), int(compressed), int(values) if min(compressed, values) >= 0:
            return _Header(reader.position, uncompressed, compressed, values)
        case _:
            raise damaged_page()
