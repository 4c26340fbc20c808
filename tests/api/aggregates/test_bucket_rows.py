"""Every aggregate statement, and the JSON of an item, has the columns of `BucketRow` in order."""

from typing import Any

import pytest

from api.aggregates.bucket_row import BucketRow
from api.aggregates.repository import STATE_COLUMNS
from api.aggregates.schemas import Item
from core.database import Pool
from core.queries import queries

STATEMENTS: dict[str, tuple[str, ...]] = {
    "state_and_hours": STATE_COLUMNS,
    "hours_of_ids": (),
    "materialised_hours": (),
    "unmaterialised_hours": (),
    "rollup_rows": (),
    "hours_together": (),
    "days_together": (),
    "bucketed_rows": (),
}


def test_all_statements_that_select_bucket_rows_are_checked() -> None:
    names = {name.removesuffix("_cursor") for name in queries().available_queries}
    selecting = {name for name in names if "AS interval_start" in statement(name)}
    assert selecting == set(STATEMENTS)


@pytest.mark.parametrize(("name", "leading"), STATEMENTS.items())
async def test_a_statement_has_the_columns_of_a_bucket_row(
    pool: Pool, name: str, leading: tuple[str, ...]
) -> None:
    async with pool.acquire() as connection:
        prepared = await connection.prepare(statement(name))
        columns = [attribute.name for attribute in prepared.get_attributes()]
    assert columns == [*leading, *BucketRow._fields]


def test_the_fields_of_an_item_begin_with_the_columns_of_a_bucket_row() -> None:
    assert Item.__struct_fields__[: len(BucketRow._fields)] == BucketRow._fields


def statement(name: str) -> str:
    query: Any = getattr(queries(), name)
    return str(query.sql)
