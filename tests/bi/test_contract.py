"""The contract of the schema bi: columns are added at the end, and everything says what it is."""

import pytest

from core.database import Pool
from tests.bi.contract import agreed, columns, functions

VIEWS, FUNCTIONS = agreed()
FIRST_VIEWS, _ = agreed("first_contract")


async def test_the_views_and_functions_are_those_of_the_contract(session_pool: Pool) -> None:
    async with session_pool.acquire() as connection:
        views, signatures = await columns(connection), await functions(connection)
    assert {view: [*found.items()] for view, found in views.items()} == {
        view: [*found.items()] for view, found in VIEWS.items()
    }
    assert signatures == FUNCTIONS


@pytest.mark.parametrize("view", FIRST_VIEWS)
def test_the_columns_of_the_first_release_are_still_the_first(view: str) -> None:
    first, now = FIRST_VIEWS[view], VIEWS[view]
    assert [*now.items()][: len(first)] == [*first.items()]


@pytest.mark.parametrize("view", VIEWS)
async def test_every_view_and_column_says_what_it_is(session_pool: Pool, view: str) -> None:
    assert await session_pool.fetchval("SELECT obj_description($1::regclass)", f"bi.{view}")
    silent = await session_pool.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 "
        "AND col_description(attrelid, attnum) IS NULL",
        f"bi.{view}",
    )
    assert [row["attname"] for row in silent] == []


async def test_every_function_says_what_it_is(session_pool: Pool) -> None:
    silent = await session_pool.fetch(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'bi'::regnamespace "
        "AND obj_description(oid, 'pg_proc') IS NULL"
    )
    assert [row["proname"] for row in silent] == []
