"""Every SQL query of the dashboards, expanded and run as the BI login."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from core.database import Connection, Pool
from tests.bi.grafana.files import DATABASE, Query, panel_queries, variable_queries
from tests.bi.grafana.macros import Request, expand
from tests.bi.sample import add_import, load_replay
from tests.conftest import empty_database

SERIES = ("LIVE-JFK-TEMP", "LIVE-LGA-WIND")
NOW = datetime.now(UTC)
HOSTILE = "O'Hara $__timeFilter"
VARIABLES = {
    "equipment": (SERIES[0],),
    "location": ("Kennedy airport", "LaGuardia airport", "O'Hare", ""),
    "window": ("1w",),
}
PANELS = panel_queries(DATABASE)
VALUES = next(query for query in PANELS if query.place == "equipment, Values, A")


@pytest_asyncio.fixture(scope="module", autouse=True)
async def replay(session_pool: Pool) -> None:
    await empty_database(session_pool)
    await load_replay(session_pool, NOW, SERIES)
    await session_pool.execute(
        "INSERT INTO equipment (id, name) VALUES ($1, 'never sent')", HOSTILE
    )
    await add_import(session_pool, "january.csv", "done", NOW)


def request_of(days: float, *, timescaledb: bool = True, **variables: tuple[str, ...]) -> Request:
    return Request(
        NOW - timedelta(days=days),
        NOW + timedelta(hours=1),
        interval=timedelta(minutes=10),
        timescaledb=timescaledb,
        variables=VARIABLES | variables,
    )


async def rows_of(tool: Connection, query: Query, request: Request) -> list[asyncpg.Record]:
    return list(await tool.fetch(expand(query.text, request).sql))


def as_moments(rows: Sequence[asyncpg.Record]) -> list[tuple[Any, ...]]:
    """Grafana takes seconds since 1970 for a time, too, which it has without time_bucket."""
    return [
        tuple(
            datetime.fromtimestamp(int(value), UTC)
            if name == "time" and not isinstance(value, datetime)
            else value
            for name, value in row.items()
        )
        for row in rows
    ]


def assert_is_series(rows: Sequence[asyncpg.Record]) -> None:
    """What Grafana needs: times in order, and beside them numbers or names."""
    times = [row["time"] for row in rows]
    assert times == sorted(times)
    numbers = [name for name in rows[0].keys() if name != "time"]  # noqa: SIM118  # of a record
    assert numbers
    for name in numbers:
        assert all(isinstance(row[name], int | float | Decimal) for row in rows)


@pytest.mark.parametrize("query", PANELS, ids=str)
async def test_a_panel_has_what_it_shows_with_and_without_time_bucket(
    tool: Connection, query: Query
) -> None:
    rows = await rows_of(tool, query, request_of(7))
    assert rows
    columns = list(rows[0].keys())
    assert len(columns) == len(set(columns))
    assert query.columns <= set(columns)
    for column in columns:
        assert [row[column] for row in rows if row[column] is not None] or column.startswith(
            ("error_", "stale_")
        )
    if query.is_series:
        assert_is_series(rows)
        without = await rows_of(tool, query, request_of(7, timescaledb=False))
        assert as_moments(without) == as_moments(rows)


@pytest.mark.parametrize("query", variable_queries(), ids=str)
async def test_a_variable_offers_every_value_that_there_is(tool: Connection, query: Query) -> None:
    rows = await tool.fetch(query.text)
    assert [set(row.keys()) for row in rows] == [{"__text", "__value"}] * len(rows)
    offered = {row["__value"] for row in rows}
    if "equipment" in query.place:
        assert offered == {*SERIES, HOSTILE}
    else:
        assert offered == {"Kennedy airport", "LaGuardia airport", ""}


@pytest.mark.parametrize("query", PANELS, ids=str)
async def test_no_value_of_a_variable_gets_out_of_its_quotes(
    tool: Connection, query: Query
) -> None:
    """Neither an id that somebody sent nor what somebody wrote into a link."""
    hostile = (f"{HOSTILE}'); SELECT 1; --",)
    await rows_of(tool, query, request_of(7, equipment=hostile, location=hostile, window=hostile))


@pytest.mark.parametrize("query", PANELS + variable_queries(), ids=str)
def test_sql_has_no_comments_whose_macros_some_releases_of_grafana_expand(query: Query) -> None:
    assert "--" not in query.text
    assert "/*" not in query.text


@pytest.mark.parametrize(
    ("days", "per_day"), [(1, 24 * 60 * 60), (7, 24), (90, 1)], ids=["readings", "hours", "days"]
)
async def test_the_line_reads_what_its_range_needs_and_nothing_finer(
    tool: Connection, days: int, per_day: int
) -> None:
    request = request_of(days)
    rows = await rows_of(tool, VALUES, request)
    assert len(rows) <= (days + 1) * min(per_day, 24)
    plan = await tool.fetch("EXPLAIN " + expand(VALUES.text, request).sql)
    text = "\n".join(row[0] for row in plan)
    # Only a rollup has hours that are being added up.
    assert ("partial_hours" in text) == (days > 2)


async def test_each_window_of_the_fleet_is_that_of_its_name(tool: Connection) -> None:
    query = next(query for query in PANELS if query.place.startswith("fleet, Window"))
    for window in re.findall(r"bi\.window_(\w+)", query.text):
        rows = await rows_of(tool, query, request_of(7, window=(window,)))
        expected = await tool.fetch(
            f"SELECT equipment_id, average FROM bi.window_{window} ORDER BY equipment_id"
        )
        assert [(row["equipment_id"], row["average"]) for row in rows] == list(map(tuple, expected))
