from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any, TypeAlias

from asyncpg import Record

from api.exports.parsing import Asked, Position
from core.database import Connection, Pool, borrowed, shares_one_session
from core.queries import all_rows, queries

Rows: TypeAlias = list[Record]

# To decode so many takes the event loop some milliseconds.
SLICE_ROWS = 4_000


class ExportRepository:
    """Reads stored readings, in order of ts and equipment."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(self, asked: Asked, row_limit: int) -> Rows:
        """The first of the readings that were asked for."""
        name = "readings_of_some" if asked.chosen.prefixes else "readings_of_ids"
        parameters = _parameters(asked)
        parameters["start"] = max(asked.span.start, asked.after.timestamp)
        if not asked.chosen.prefixes:
            del parameters["patterns"]
        async with borrowed(self._pool) as connection:
            return await all_rows(
                getattr(queries(), name),
                connection,
                **parameters,
                after_time=asked.after.timestamp,
                after_id=asked.after.equipment_id,
                row_limit=row_limit,
            )

    async def slices(self, asked: Asked) -> AsyncGenerator[Rows]:
        """All the readings that were asked for, slice by slice, of one snapshot.

        But where all clients share one session, nobody else could use it meanwhile: there each
        slice is of its own moment.
        """
        async with borrowed(self._pool) as connection:
            shared = await shares_one_session(connection)
            if not shared:
                async with aclosing(_snapshot(connection, asked)) as snapshot:
                    async for rows in snapshot:
                        yield rows
        if shared:
            async with aclosing(self._moments(asked)) as moments:
                async for rows in moments:
                    yield rows

    async def _moments(self, asked: Asked) -> AsyncGenerator[Rows]:
        while rows := await self.page(asked, SLICE_ROWS):
            yield rows
            last = Position(rows[-1]["ts"], rows[-1]["equipment_id"])
            asked = replace(asked, after=last)


async def _snapshot(connection: Connection, asked: Asked) -> AsyncGenerator[Rows]:
    async with queries().readings_whole_cursor(connection, **_parameters(asked)) as opening:
        cursor = await opening
        while rows := await cursor.fetch(SLICE_ROWS):
            yield rows


def _parameters(asked: Asked) -> dict[str, Any]:
    return {
        "ids": asked.chosen.ids_without_prefix,
        "patterns": asked.chosen.patterns,
        "start": asked.span.start,
        "end": asked.span.end,
    }
