"""`python -m bench.import_memory`: the peak memory of a worker that imports large files.

Each file is imported by a worker process of its own, until it is visible. The database is
SENSORFLOW_BENCH_DATABASE_URL, which must have no readings, else an embedded one. Linux only.
"""

import asyncio
import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated
from uuid import uuid4

import polars as pl
import typer
from pydantic import SecretStr

from bench.by_worker import import_object
from bench.runs import console, database
from bench.table import empty, require_no_readings, rows_in_order_of_time
from core.database import Pool, open_pool
from core.settings import DatabaseSettings
from core.storage import source_key
from migrations.runner import upgrade

ROWS_PER_CHUNK = 1_000_000
EXTENSIONS = (".csv", ".csv.gz")
NOTE_CHARACTERS = 225  # make a line 270 bytes long


def main(
    rows: Annotated[list[int] | None, typer.Option(help="Rows of a file; may be repeated.")] = None,
    *,
    wide: Annotated[bool, typer.Option("--wide", help="Lines of 270 bytes, not of 42.")] = False,
    extension: Annotated[
        list[str] | None, typer.Option(help=f"Of {', '.join(EXTENSIONS)}; all if not said.")
    ] = None,
) -> None:
    """Import each file and print the worker's peak."""
    with TemporaryDirectory() as name, database(Path(name)) as (_, url):
        files = list(product(rows or [10_000_000, 30_000_000], extension or EXTENSIONS))
        asyncio.run(measure(url, Path(name), files, wide=wide))


async def measure(url: str, folder: Path, files: list[tuple[int, str]], *, wide: bool) -> None:
    """Print one line per file."""
    await upgrade(url)
    async with await open_pool(DatabaseSettings(url=SecretStr(url))) as pool:
        await require_no_readings(pool)
        for rows, extension in files:
            write = partial(write_file, rows=rows, note_characters=NOTE_CHARACTERS if wide else 0)
            took, peak_mb = await _import(pool, url, folder, write, extension)
            console.print(f"  {rows:,} rows, {extension}: {peak_mb:,} MB, {took:,.0f} s")
            await empty(pool)


async def _import(
    pool: Pool, url: str, folder: Path, write: Callable[[Path], None], extension: str
) -> tuple[float, int]:
    import_id = uuid4()
    key = source_key(import_id, extension)
    file = folder / "storage" / key
    file.parent.mkdir(parents=True)
    write(file)
    with _worker(url, folder) as process:
        took = await import_object(pool, import_id, key)
        peak_mb = peak_memory_mb(process.pid)
    shutil.rmtree(file.parent)
    return took.visible, peak_mb


def write_file(path: Path, rows: int, note_characters: int) -> None:
    """Write the rows in order of time, in bounded memory; `note_characters` adds a column."""
    note = [pl.lit("x" * note_characters).alias("note")] if note_characters else []
    with gzip.open(path, "wb", 1) if path.suffix == ".gz" else path.open("wb") as file:
        for first in range(0, rows, ROWS_PER_CHUNK):
            chunk = rows_in_order_of_time(rows, first, min(first + ROWS_PER_CHUNK, rows))
            file.write(chunk.with_columns(*note).write_csv(include_header=first == 0).encode())


@contextmanager
def _worker(url: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    settings = {
        "SENSORFLOW_DATABASE_URL": url,
        "SENSORFLOW_STORAGE_URL": str(folder / "storage"),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "cli", "worker"],
        env=os.environ | settings,
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def peak_memory_mb(pid: int) -> int:
    """The peak resident memory of the process so far (VmHWM)."""
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    return int(status["VmHWM"].split()[0]) * 1024 // 10**6


if __name__ == "__main__":
    typer.run(main)
