"""A file that cannot be read fails with what to do about it, and leaves nothing."""

import dataclasses
import gzip
from collections.abc import Callable

import pytest
import zstandard

from core.database import Pool
from core.settings import WorkerSettings
from jobs.csv_import.context import ImportContext
from tests.jobs.support import HEADER, ImportCounts, rows_of, run_import
from tests.support.workbooks import workbook

GOOD_ROW = "a,2024-01-01T00:00:00Z,1\n"
PLAIN = (HEADER + GOOD_ROW).encode()
COMPRESSIONS = [(".csv.gz", gzip.compress), (".csv.zst", zstandard.compress)]


@pytest.mark.parametrize(
    ("content", "extension", "code", "message"),
    [
        (b"", ".csv", "empty_file", "empty"),
        (b"\xef\xbb\xbf\r\n \n", ".csv", "empty_file", "empty"),
        (GOOD_ROW, ".csv", "missing_header", "equipmentId, timestamp, value"),
        ("\n" + GOOD_ROW, ".csv", "missing_header", "line 2 is 'a,2024-01-01T00:00:00Z,1'"),
        ("equipmentId,timestamp\n", ".csv", "missing_header", "'equipmentId,timestamp'"),
        (HEADER.replace("\n", "\rx\n"), ".csv", "missing_header", "\\rx"),
        ("value,equipmentId,timestamp,value\n", ".csv", "ambiguous_header", "value, value"),
        ("x" * 10_000_000, ".csv", "missing_header", "'" + "x" * 80 + "'"),
        (HEADER[:-1] + "," * 1000, ".csv", "missing_header", "Add that line"),
        (bytes(range(256)) * 64, ".csv", "not_text", "UTF-8"),
        (HEADER.encode("utf-32"), ".csv", "not_text", "UTF-8"),
        (HEADER.replace("v", "\xe4").encode("cp1252"), ".csv", "not_text", "encoding=windows"),
        (HEADER, ".zip", "bad_archive", "Pack one CSV file alone"),
        (HEADER, ".xlsx", "bad_workbook", "send the sheet as CSV"),
        (
            gzip.compress(HEADER.encode(), mtime=0),
            ".csv",
            "not_text",
            "It is a .csv.gz: name it so.",
        ),
        (workbook([["a"]]), ".csv", "not_text", "It is a .zip or .xlsx: name it so."),
        (HEADER, ".csv.gz", "bad_compression", "named .gz"),
        (HEADER, ".csv.zst", "bad_compression", "named .zst"),
        (gzip.compress(PLAIN, mtime=0)[:-9], ".csv.gz", "bad_compression", "cut off"),
        (gzip.compress(PLAIN, mtime=0) + b"more", ".csv.gz", "bad_compression", "damaged"),
        (zstandard.compress(PLAIN)[:-3], ".csv.zst", "bad_compression", "cut off"),
        (zstandard.compress(PLAIN)[:3], ".csv.zst", "bad_compression", "cut off"),
        (zstandard.compress(PLAIN) + b"more", ".csv.zst", "bad_compression", "damaged"),
        (zstandard.compress(b""), ".csv.zst", "empty_file", "empty"),
        (gzip.compress(b"", mtime=0), ".csv.gz", "empty_file", "empty"),
        (HEADER, ".csv", "no_valid_rows", "only a header"),
        (HEADER + "\n\n", ".csv", "no_valid_rows", "only a header"),
        (HEADER + "a,b,c\nx\n", ".csv", "no_valid_rows", "line 2: bad_timestamp in timestamp"),
        (HEADER + "a\u2028\r" * 70_000, ".csv", "no_valid_rows", "line 2: wrong_columns."),
    ],
)
async def test_a_file_that_cannot_be_read_fails_clearly_and_leaves_nothing(
    context: ImportContext, content: str | bytes, extension: str, code: str, message: str
) -> None:
    outcome = await run_import(context, content, extension)
    assert (outcome.state, outcome.error_code) == ("failed", code)
    assert message in outcome.error_message
    assert await rows_of(context.pool) == {}
    assert await context.pool.fetchval("SELECT count(*) FROM rollup_dirty_ranges") == 0


@pytest.mark.parametrize(("extension", "pack"), COMPRESSIONS)
async def test_a_file_that_inflates_past_the_limit_fails(
    context: ImportContext, pool: Pool, extension: str, pack: Callable[[bytes], bytes]
) -> None:
    small = dataclasses.replace(context, worker=WorkerSettings(max_inflated_bytes=100))
    outcome = await run_import(small, pack((HEADER + GOOD_ROW * 1000).encode()), extension)
    assert (outcome.state, outcome.error_code) == ("failed", "inflated_too_large")
    assert "more than 100 bytes" in outcome.error_message
    assert await rows_of(pool) == {}


@pytest.mark.parametrize(("extension", "pack"), COMPRESSIONS)
async def test_every_part_of_a_file_that_was_compressed_in_parts_is_read(
    context: ImportContext, extension: str, pack: Callable[[bytes], bytes]
) -> None:
    packed = b"".join(pack(part) for part in (PLAIN[:20], b"", PLAIN[20:], b"b" + PLAIN[-25:]))
    outcome = await run_import(context, packed, extension)
    assert (outcome.state, outcome.counts) == ("done", ImportCounts(read=2, inserted=2))
