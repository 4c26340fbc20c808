"""Many readings into the hypertable, inside a batch's transaction."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any

from core.database import Connection
from core.errors import RowsMissingError
from core.ledger import enter_new_rows, enter_pending_readings
from core.optimistic_copy import NotAllNewError, optimistic_copy
from core.queries import all_rows, queries
from core.readings import Reading
from core.time import chunk_end

ROWS_MISSING = "The database did not keep every reading, so none is. Send them again."


@dataclass(frozen=True, slots=True)
class Written:
    """Counts of readings; `conflicting`: positions of those that met another value that stays."""

    inserted: int = 0
    replaced: int = 0
    unchanged: int = 0
    conflicting: list[int] = field(default_factory=list)


async def write_readings(
    connection: Connection, readings: Sequence[Reading], *, replace: bool
) -> Written:
    """Write readings at or above the horizon; enter late hours and changed days in the ledgers.

    Of several for one key the last wins; each before it counts as replaced by the next one, or as
    unchanged if that is equal. Where a key is stored with another value, `replace` says which of
    the two stays. Raises RowsMissingError.
    """
    if not readings:
        return Written()
    by_ts = sorted(readings, key=itemgetter(1))
    ts_bounds = {"first_ts": by_ts[0].ts, "last_ts": by_ts[-1].ts}
    in_columnstore = await queries().reaches_columnstore(connection, **ts_bounds)
    if not in_columnstore and await _copy_new(connection, by_ts):
        return Written(inserted=len(readings))
    return await _upsert(connection, readings, replace=replace, verify=in_columnstore)


def columns(readings: Sequence[Reading]) -> dict[str, list[Any]]:
    """The readings as the parameters of a query."""
    return {
        "equipment_ids": [reading.equipment_id for reading in readings],
        "timestamps": [reading.ts for reading in readings],
        "values": [reading.value for reading in readings],
    }


async def _copy_new(connection: Connection, by_ts: Sequence[Reading]) -> bool:
    """Copy readings in order of time; False, and nothing written, if not all keys are new.

    Twice as fast as an upsert. Chunks in the columnstore are left to the upsert, after which every
    row is verified.
    """
    in_key_order = sorted(by_ts, key=itemgetter(0))
    try:
        async with optimistic_copy(connection):
            status = await connection.copy_records_to_table(
                "readings", records=in_key_order, columns=["equipment_id", "ts", "value"]
            )
    except NotAllNewError:
        return False
    if status != f"COPY {len(by_ts)}":
        raise RowsMissingError(ROWS_MISSING)
    await _enter_new(connection, by_ts)
    return True


async def _enter_new(connection: Connection, by_ts: Sequence[Reading]) -> None:
    changed = {(reading.equipment_id, reading.ts.date()) for reading in by_ts}
    ts_bounds = _ts_bounds_by_chunk([reading.ts for reading in by_ts])
    if pending := await enter_new_rows(connection, ts_bounds, changed, len(by_ts)):
        readings = [reading for reading in by_ts if reading.ts in pending]
        await enter_pending_readings(connection, *columns(readings).values())


async def _upsert(
    connection: Connection, readings: Sequence[Reading], *, replace: bool, verify: bool
) -> Written:
    last = {(reading.equipment_id, reading.ts): index for index, reading in enumerate(readings)}
    positions = list(last.values())
    distinct = [readings[position] for position in positions]
    saved = await queries().save_readings(connection, **columns(distinct), replace=replace)
    inserted, replaced = saved["inserted"], saved["replaced"]
    conflicting = []
    if verify or (not replace and inserted < len(distinct)):
        conflicting = [positions[index] for index in await _find_mismatches(connection, distinct)]
    if conflicting and replace:
        raise RowsMissingError(ROWS_MISSING)
    superseded = _count_superseded(readings)
    unchanged = len(readings) - inserted - replaced - superseded - len(conflicting)
    return Written(inserted, replaced + superseded, unchanged, conflicting)


async def _find_mismatches(connection: Connection, readings: Sequence[Reading]) -> list[int]:
    """The positions of the readings that are stored with another value or not at all."""
    timestamps = [reading.ts for reading in readings]
    ts_bounds = {"first_ts": min(timestamps), "last_ts": max(timestamps)}
    query = queries().mismatched_readings
    rows = await all_rows(query, connection, **columns(readings), **ts_bounds)
    return [row["place"] - 1 for row in rows]


def _count_superseded(readings: Sequence[Reading]) -> int:
    """How many have a later reading of their key, the next of which has another value."""
    changes, values = 0, dict[tuple[str, datetime], float]()
    for reading in readings:
        key = (reading.equipment_id, reading.ts)
        changes += values.get(key, reading.value) != reading.value
        values[key] = reading.value
    return changes


def _ts_bounds_by_chunk(timestamps: Sequence[datetime]) -> dict[str, list[datetime]]:
    """The first and the last of the ordered timestamps in each chunk that has any."""
    firsts, lasts, start = [], [], 0
    while start < len(timestamps):
        end = bisect_left(timestamps, chunk_end(timestamps[start]), lo=start)
        firsts.append(timestamps[start])
        lasts.append(timestamps[end - 1])
        start = end
    return {"first_ts": firsts, "last_ts": lasts}
