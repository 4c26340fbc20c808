"""Many readings into the hypertable, inside a batch's transaction.

In slices: handled at once, a hundred thousand would hold up all other requests.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from api.readings.extent import Extent, extent_of
from api.readings.key_order import DistinctKeys, Entry, in_key_order
from api.readings.slices import in_slices
from core.database import Connection
from core.errors import RowsMissingError
from core.ledger import enter_new_rows, enter_pending_readings
from core.optimistic_copy import NotAllNewError, optimistic_copy
from core.queries import all_rows, queries
from core.readings import ReadingRow

NOTHING: dict[str, list[datetime]] = {"first_ts": [], "last_ts": []}

ROWS_MISSING = "The database did not keep every reading, so none is. Send them again."


@dataclass(slots=True)
class Written:
    """Counts of readings; `conflicting`: positions of those that met another value that stays."""

    inserted: int = 0
    replaced: int = 0
    unchanged: int = 0
    conflicting: list[int] = field(default_factory=list)


async def write_readings(
    connection: Connection, readings: Sequence[ReadingRow], *, replace: bool
) -> Written:
    """Write readings at or above the horizon; enter late hours and changed days in the ledgers.

    Of several for one key the last wins; each before it counts as replaced by the next one, or as
    unchanged if that is equal. Where a key is stored with another value, `replace` says which of
    the two stays. Raises RowsMissingError.
    """
    if not readings:
        return Written()
    extent = await extent_of(readings)
    in_columnstore = await queries().reaches_columnstore(connection, **extent.ts_bounds)
    if not in_columnstore and await _copy_new(connection, readings, extent):
        return Written(inserted=len(readings))
    return await _upsert(connection, readings, replace=replace, verify=in_columnstore)


def columns(readings: Sequence[ReadingRow]) -> dict[str, list[Any]]:
    """The readings as the parameters of a query."""
    return {
        "equipment_ids": [equipment_id for equipment_id, _, _ in readings],
        "timestamps": [ts for _, ts, _ in readings],
        "values": [value for _, _, value in readings],
    }


async def _copy_new(connection: Connection, readings: Sequence[ReadingRow], extent: Extent) -> bool:
    """Copy the readings; False, and nothing written, if not all keys are new.

    Twice as fast as an upsert. Chunks in the columnstore are left to the upsert, after which every
    row is verified.
    """
    try:
        async with optimistic_copy(connection):
            async for _, some in in_slices(readings):
                await _copy(connection, sorted(some))
    except NotAllNewError:
        return False
    await _enter_new(connection, readings, extent)
    return True


async def _copy(connection: Connection, readings: Sequence[ReadingRow]) -> None:
    status = await connection.copy_records_to_table(
        "readings", records=readings, columns=["equipment_id", "ts", "value"]
    )
    if status != f"COPY {len(readings)}":
        raise RowsMissingError(ROWS_MISSING)


async def _enter_new(
    connection: Connection, readings: Sequence[ReadingRow], extent: Extent
) -> None:
    ts_bounds, row_count, pending = extent.ts_bounds_by_chunk, len(readings), None
    async for _, changed in in_slices(extent.changed):
        pending = await enter_new_rows(connection, ts_bounds, changed, row_count)
        ts_bounds, row_count = NOTHING, 0
    if pending:
        async for _, some in in_slices(readings):
            recent = [reading for reading in some if reading[1] in pending]
            await enter_pending_readings(connection, *columns(recent).values())


async def _upsert(
    connection: Connection, readings: Sequence[ReadingRow], *, replace: bool, verify: bool
) -> Written:
    written, unverified = Written(), list[Sequence[Entry]]()
    async for entries in _distinct(readings, written):
        inserted = await _upsert_slice(connection, entries, written, replace=replace)
        if verify or (not replace and inserted < len(entries)):
            unverified.append(entries)
    while unverified:
        written.conflicting += await _find_mismatches(connection, unverified.pop())
    if written.conflicting and replace:
        raise RowsMissingError(ROWS_MISSING)
    others = written.inserted + written.replaced + len(written.conflicting)
    written.unchanged = len(readings) - others
    return written


async def _distinct(
    readings: Sequence[ReadingRow], written: Written
) -> AsyncIterator[Sequence[Entry]]:
    """The last reading of each key, in key order, a slice at a time; counts those it replaced."""
    keys = DistinctKeys()
    async for entries in in_key_order(readings):
        keys.add(entries)
        await asyncio.sleep(0)
        if taken := keys.take():
            yield taken
    written.replaced += keys.superseded
    yield keys.entries


async def _upsert_slice(
    connection: Connection, entries: Sequence[Entry], written: Written, *, replace: bool
) -> int:
    """How many were inserted; counts them and what was replaced."""
    saved = await queries().save_readings(connection, **_columns(entries), replace=replace)
    written.inserted += saved["inserted"]
    written.replaced += saved["replaced"]
    return int(saved["inserted"])


async def _find_mismatches(connection: Connection, entries: Sequence[Entry]) -> list[int]:
    """The positions of the readings that are stored with another value or not at all."""
    timestamps = [ts for _, ts, _, _ in entries]
    ts_bounds = {"first_ts": min(timestamps), "last_ts": max(timestamps)}
    query = queries().mismatched_readings
    rows = await all_rows(query, connection, **_columns(entries), **ts_bounds)
    return [entries[row["place"] - 1][2] for row in rows]


def _columns(entries: Sequence[Entry]) -> dict[str, list[Any]]:
    return columns([(equipment_id, ts, value) for equipment_id, ts, _, value in entries])
