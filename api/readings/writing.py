"""Many readings into the hypertable, inside a batch's transaction."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from asyncpg.exceptions import UniqueViolationError

from api.readings.errors import RowsMissingError
from core.changes import note_changes
from core.database import Connection
from core.queries import all_rows, queries
from core.readings import Reading
from core.time import chunk_end


@dataclass(frozen=True, slots=True)
class Written:
    """What became of readings; `kept_back` are the places of those that met a value that stays."""

    inserted: int = 0
    replaced: int = 0
    unchanged: int = 0
    kept_back: list[int] = field(default_factory=list)


async def write_readings(
    connection: Connection, readings: Sequence[Reading], *, replace: bool
) -> Written:
    """Write readings at or above the horizon; enter late ones and what changed into the ledgers.

    Of several for one key the last wins; each before it counts as replaced by the next one, or as
    unchanged if that is equal. Where a key is stored with another value, `replace` says which of
    the two stays. Raises RowsMissingError.
    """
    if not readings:
        return Written()
    moments = sorted(reading.ts for reading in readings)
    in_columnstore = await queries().reaches_columnstore(connection, **_span(moments))
    if not in_columnstore and await _copy_new(connection, readings, moments):
        return Written(inserted=len(readings))
    return await _save_by_key(connection, readings, replace=replace, verify=in_columnstore)


def columns(readings: Sequence[Reading]) -> dict[str, list[Any]]:
    """The readings as the parameters of a query."""
    return {
        "equipment_ids": [reading.equipment_id for reading in readings],
        "moments": [reading.ts for reading in readings],
        "numbers": [reading.value for reading in readings],
    }


async def _copy_new(
    connection: Connection, readings: Sequence[Reading], moments: Sequence[datetime]
) -> bool:
    """Copy the readings into the table; False, and nothing done: not all keys are new.

    Twice as fast as by key. Chunks in the columnstore are left to the other way, which looks at
    every row afterwards.
    """
    try:
        async with connection.transaction():
            status = await connection.copy_records_to_table(
                "readings", records=readings, columns=["equipment_id", "ts", "value"]
            )
    except UniqueViolationError:
        return False
    if status != f"COPY {len(readings)}":
        raise RowsMissingError
    await queries().note_late_new_rows(connection, import_id=None, **_spans_of_chunks(moments))
    await note_changes(
        connection, {(reading.equipment_id, reading.ts.date()) for reading in readings}
    )
    return True


async def _save_by_key(
    connection: Connection, readings: Sequence[Reading], *, replace: bool, verify: bool
) -> Written:
    last = {(reading.equipment_id, reading.ts): place for place, reading in enumerate(readings)}
    places = list(last.values())
    distinct = [readings[place] for place in places]
    saved = await queries().save_readings(connection, **columns(distinct), replace=replace)
    inserted, replaced = saved["inserted"], saved["replaced"]
    kept_back = []
    if verify or (not replace and inserted < len(distinct)):
        kept_back = [places[found] for found in await _stored_otherwise(connection, distinct)]
    if kept_back and replace:
        raise RowsMissingError
    superseded = _superseded_by_another_value(readings)
    unchanged = len(readings) - inserted - replaced - superseded - len(kept_back)
    return Written(inserted, replaced + superseded, unchanged, kept_back)


async def _stored_otherwise(connection: Connection, readings: Sequence[Reading]) -> list[int]:
    span = _span(sorted(reading.ts for reading in readings))
    query = queries().readings_stored_otherwise
    rows = await all_rows(query, connection, **columns(readings), **span)
    return [row["place"] - 1 for row in rows]


def _superseded_by_another_value(readings: Sequence[Reading]) -> int:
    """How many have a later reading of their key, the next of which says another value."""
    changes, values = 0, dict[tuple[str, datetime], float]()
    for reading in readings:
        key = (reading.equipment_id, reading.ts)
        changes += values.get(key, reading.value) != reading.value
        values[key] = reading.value
    return changes


def _span(moments: Sequence[datetime]) -> dict[str, datetime]:
    return {"first_ts": moments[0], "last_ts": moments[-1]}


def _spans_of_chunks(moments: Sequence[datetime]) -> dict[str, list[datetime]]:
    """The first and the last of the ordered moments in each chunk that has any."""
    firsts, lasts, start = [], [], 0
    while start < len(moments):
        end = bisect_left(moments, chunk_end(moments[start]), lo=start)
        firsts.append(moments[start])
        lasts.append(moments[end - 1])
        start = end
    return {"first_ts": firsts, "last_ts": lasts}
