"""Rejected lines as objects in storage: one a batch, named by the batch's first line."""

import re
from asyncio import to_thread
from itertools import islice

import polars as pl

from core.storage import Storage

REASONS_TOLD = 3
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


async def forget_rejects_after(storage: Storage, folder: str, lines_done: int) -> None:
    """Remove the rejects of batches that were never committed."""
    keys = await storage.keys(folder)
    uncommitted = [key for key in keys if key > _key(folder, lines_done)]
    if uncommitted:
        await storage.delete(uncommitted)


async def first_reasons(storage: Storage, folder: str) -> list[str]:
    """Why the first rejected lines were: "line 2: bad_number in value"."""
    keys = await storage.keys(folder)
    if not keys:
        return []
    text = b"".join([chunk async for chunk in storage.read(keys[0])]).decode()
    rejects = islice(REJECT.finditer(text), REASONS_TOLD)
    return [reason(*reject.groups()) for reject in rejects]


def reason(line: object, code: str, column: str) -> str:
    """Why a line was rejected: "line 2: bad_number in value"."""
    return f"line {line}: {code}{column and f' in {column}'}"


def _key(folder: str, first_line: int) -> str:
    return f"{folder}/{first_line:012d}.csv"
