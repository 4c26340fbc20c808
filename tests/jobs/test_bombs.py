"""Small files that become very large: a worker ends each import, in bounded memory, and goes on."""

import asyncio
import gzip
import io
import logging
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from core.database import Pool
from core.settings import DatabaseSettings, StorageSettings
from core.storage import Storage
from tests.api.imports.test_upload_memory import MEBIBYTE, peak_bytes
from tests.jobs.support import HEADER, Outcome, add_import, outcome_of

log = logging.getLogger(__name__)

MAX_INFLATED_BYTES = 256 * MEBIBYTE
MAX_PEAK_BYTES = 1536 * MEBIBYTE  # one text of the largest page that is read takes nearly as much

TS = datetime(2024, 1, 1, tzinfo=UTC)
ROWS = 123_457  # a number that stands nowhere else in a file

# A frame that says that its window is 2 GiB, and one raw byte.
WINDOW_BOMB = b"\x28\xb5\x2f\xfd" + bytes([0x00, 21 << 3]) + b"\x09\x00\x00" + b"a"


def one_line(size_bytes: int) -> bytes:
    return HEADER.encode() + b"a" * size_bytes


def parquet(ids: Any, rows: int, **options: Any) -> bytes:
    columns = {
        "equipmentId": ids,
        "timestamp": pa.array([TS] * rows, pa.timestamp("us", "UTC")),
        "value": [1.5] * rows,
    }
    buffer = io.BytesIO()
    more = {"other": options.pop("other")} if "other" in options else {}
    pq.write_table(pa.table(columns | more), buffer, compression="zstd", **options)
    return buffer.getvalue()


def large_text(size_bytes: int) -> bytes:
    return parquet(pa.array(["a" * size_bytes], pa.large_string()), 1, use_dictionary=False)


def repeated_text(size_bytes: int, rows: int) -> bytes:
    ids = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), ["a" * size_bytes])
    return parquet(ids, rows)


def varint(number: int) -> bytes:
    """As Thrift's compact protocol writes a count."""
    number, encoded = 2 * number, bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def declaring(rows: int) -> bytes:
    """A file whose footer says that it has so many rows."""
    content = parquet(pa.array(["a"] * ROWS), ROWS)
    (size,) = struct.unpack("<I", content[-8:-4])
    footer = content[-8 - size : -8].replace(varint(ROWS), varint(rows))
    return content[: -8 - size] + footer + struct.pack("<I", len(footer)) + b"PAR1"


def nested(depth: int) -> bytes:
    """A file with a column beside ours that is lists in lists."""
    kind: Any = pa.int64()
    value: Any = 1
    for _ in range(depth):
        kind, value = pa.list_(kind), [value]
    return parquet(["a"], 1, other=pa.array([value], kind))


BOMBS: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "gzip beyond the limit": (
        lambda: gzip.compress(one_line(MAX_INFLATED_BYTES), 1),
        ".csv.gz",
        "inflated_too_large",
    ),
    "zstd beyond the limit": (
        lambda: zstandard.compress(one_line(MAX_INFLATED_BYTES)),
        ".csv.zst",
        "inflated_too_large",
    ),
    "a window of 2 GiB": (lambda: WINDOW_BOMB, ".csv.zst", "bad_compression"),
    "one line": (lambda: zstandard.compress(one_line(200 * MEBIBYTE)), ".csv.zst", "line_too_long"),
    "one line of fields": (
        lambda: zstandard.compress(HEADER.encode() + b"," * (17 * MEBIBYTE)),
        ".csv.zst",
        "line_too_long",
    ),
    "a long line": (lambda: one_line(15 * MEBIBYTE), ".csv", "no_valid_rows"),
    "nothing but line ends": (
        lambda: gzip.compress(HEADER.encode() + b"\n" * (20 * MEBIBYTE)),
        ".csv.gz",
        "no_valid_rows",
    ),
    "a page of one text": (lambda: large_text(130 * MEBIBYTE), ".parquet", "inflated_too_large"),
    "a page of one text that is read": (
        lambda: large_text(100 * MEBIBYTE),
        ".parquet",
        "no_valid_rows",
    ),
    "a dictionary": (lambda: repeated_text(17 * MEBIBYTE, 10), ".parquet", "inflated_too_large"),
    "a dictionary that repeats": (
        lambda: repeated_text(10 * MEBIBYTE, 20_000),
        ".parquet",
        "no_valid_rows",
    ),
    "a trillion rows": (lambda: declaring(10**12), ".parquet", "inflated_too_large"),
    "more rows than there are": (lambda: declaring(10_000_000), ".parquet", ""),
    "lists in lists": (lambda: nested(90), ".parquet", "bad_parquet"),
}


@contextmanager
def worker(database: DatabaseSettings, storage: StorageSettings) -> Iterator[int]:
    """A worker's process; its id."""
    settings = {
        "SENSORFLOW_DATABASE_URL": database.url.get_secret_value(),
        "SENSORFLOW_STORAGE_URL": storage.url,
        "SENSORFLOW_WORKER_MAX_INFLATED_BYTES": str(MAX_INFLATED_BYTES),
    }
    command = [sys.executable, "-m", "cli", "worker"]
    with subprocess.Popen(command, env=os.environ | settings, stdout=subprocess.DEVNULL) as process:
        try:
            yield process.pid
        finally:
            process.kill()


async def ended(pool: Pool, import_id: Any) -> Outcome:
    while (outcome := await outcome_of(pool, import_id)).state not in {"done", "failed"}:  # noqa: ASYNC110  # there is no event
        await asyncio.sleep(0.05)
    return outcome


async def test_a_worker_survives_every_bomb_in_bounded_memory(
    pool: Pool, storage: Storage, storage_settings: StorageSettings, database: DatabaseSettings
) -> None:
    with worker(database, storage_settings) as pid:
        for name, (make, extension, code) in BOMBS.items():
            import_id = await add_import(pool, storage, make(), extension)
            outcome = await ended(pool, import_id)
            log.info("%s: a peak of %s MiB so far", name, peak_bytes(pid) // MEBIBYTE)
            assert (outcome.error_code or "", outcome.attempt) == (code, 1), name
            assert peak_bytes(pid) < MAX_PEAK_BYTES, name
        good = HEADER + "a,2024-01-01T00:00:00Z,1\n"
        assert (await ended(pool, await add_import(pool, storage, good))).state == "done"
