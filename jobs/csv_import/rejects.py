"""Rejected lines as objects in storage: one object a batch, named by the batch's first line."""

import io
from asyncio import to_thread
from collections.abc import Mapping

import polars as pl

from core.storage import Storage
from jobs.csv_import.numbered_lines import LINE_NUMBER, TEXT

REJECTS: Mapping[str, type[pl.DataType]] = {
    LINE_NUMBER: pl.Int64,
    "code": pl.String,
    "column": pl.String,
    TEXT: pl.String,
}


async def write_rejects(
    storage: Storage, folder: str, first_line: int, rejects: pl.DataFrame
) -> None:
    """Store a batch's rejects, if it has any: rows line, code, column, row, without header.

    A repeated attempt at the batch stores the same object again.
    """
    if rejects.height:
        text = await to_thread(rejects.write_csv, include_header=False, quote_style="non_numeric")
        await storage.put(_key(folder, first_line), text.encode())


async def delete_uncommitted_rejects(storage: Storage, folder: str, lines_done: int) -> None:
    """Delete the rejects of batches that were never committed."""
    keys = await storage.keys(folder)
    uncommitted = [key for key in keys if key > _key(folder, lines_done)]
    if uncommitted:
        await storage.delete(uncommitted)


async def read_rejects(storage: Storage, key: str, limit: int | None = None) -> pl.DataFrame:
    """The rejects of an object, all or the first of them."""
    content = io.BytesIO(b"".join([chunk async for chunk in storage.read(key)]))
    return await to_thread(
        pl.read_csv,
        content,
        has_header=False,
        schema=REJECTS,
        empty_string_is_null=False,
        n_rows=limit,
    )


def _key(folder: str, first_line: int) -> str:
    return f"{folder}/{first_line:012d}.csv"
