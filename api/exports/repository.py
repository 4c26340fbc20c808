from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any, TypeAlias

from asyncpg import Record

from api.exports.parameters import Position
from api.exports.parsing import ExportQuery
from core.database import Connection, Pool, borrowed, shares_one_session
from core.queries import all_rows, queries

Records: TypeAlias = list[Record]

# Decoding so many takes the event loop some milliseconds.
FETCH_ROWS = 4_000


class ExportRepository:
    """Reads stored readings, in order of ts and equipment."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(self, query: ExportQuery, row_limit: int) -> Records:
        """The first `row_limit` readings of the query."""
        name = "readings_of_some" if query.equipment.prefixes else "readings_of_ids"
        parameters = _parameters(query)
        parameters["start"] = max(query.time_range.start, query.after.timestamp)
        if not query.equipment.prefixes:
            del parameters["patterns"]
        async with borrowed(self._pool) as connection:
            return await all_rows(
                getattr(queries(), name),
                connection,
                **parameters,
                after_time=query.after.timestamp,
                after_id=query.after.equipment_id,
                row_limit=row_limit,
            )

    async def fetch_all(self, query: ExportQuery) -> AsyncGenerator[Records]:
        """All readings of the query, FETCH_ROWS at a time, from one snapshot.

        Where all clients share one session, a snapshot would block everyone else: there each page
        is read by a statement of its own, with a snapshot of its own.
        """
        async with borrowed(self._pool) as connection:
            shared = await shares_one_session(connection)
            if not shared:
                async with aclosing(_fetch_snapshot(connection, query)) as snapshot:
                    async for records in snapshot:
                        yield records
        if shared:
            async with aclosing(self._fetch_pages(query)) as pages:
                async for records in pages:
                    yield records

    async def _fetch_pages(self, query: ExportQuery) -> AsyncGenerator[Records]:
        while records := await self.page(query, FETCH_ROWS):
            yield records
            last = Position(records[-1]["ts"], records[-1]["equipment_id"])
            query = replace(query, after=last)


async def _fetch_snapshot(connection: Connection, query: ExportQuery) -> AsyncGenerator[Records]:
    async with queries().readings_whole_cursor(connection, **_parameters(query)) as opening:
        cursor = await opening
        while records := await cursor.fetch(FETCH_ROWS):
            yield records


def _parameters(query: ExportQuery) -> dict[str, Any]:
    return {
        "ids": query.equipment.ids_without_prefix,
        "patterns": query.equipment.like_patterns,
        "start": query.time_range.start,
        "end": query.time_range.end,
    }
