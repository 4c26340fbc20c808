"""Rejected lines as objects in storage: one object a batch, named by the batch's first line."""

import re
from asyncio import to_thread
from itertools import islice

import polars as pl

from core.storage import Storage

MAX_REPORTED_REASONS = 3
REJECT = re.compile('^([0-9]+),"([a-z_]+)","([A-Za-z]*)",', re.MULTILINE)


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


async def first_reject_reasons(storage: Storage, folder: str) -> list[str]:
    """The reasons of the first rejected lines: "line 2: bad_number in value"."""
    keys = await storage.keys(folder)
    if not keys:
        return []
    text = b"".join([chunk async for chunk in storage.read(keys[0])]).decode()
    rejects = islice(REJECT.finditer(text), MAX_REPORTED_REASONS)
    return [describe_reject(*reject.groups()) for reject in rejects]


def describe_reject(line: object, code: str, column: str) -> str:
    """Line, code and column in words: "line 2: bad_number in value"."""
    return f"line {line}: {code}{column and f' in {column}'}"


def _key(folder: str, first_line: int) -> str:
    return f"{folder}/{first_line:012d}.csv"
