"""The progress of an import, as GET /imports/{id} returns it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from core.database import Pool
from tests.api.imports.test_imports import new_import

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


async def loading(pool: Pool, **columns: Any) -> UUID:
    import_id = await new_import(pool)
    values = {"state": "loading", "loading_since": BEGAN, **columns}
    changes = ", ".join(f"{name} = ${number}" for number, name in enumerate(values, 2))
    await pool.execute(f"UPDATE imports SET {changes} WHERE id = $1", import_id, *values.values())
    return import_id


async def progress_of(client: httpx2.AsyncClient, import_id: UUID) -> dict[str, Any]:
    progress: dict[str, Any] = (await client.get(f"/imports/{import_id}")).json()["progress"]
    return progress


async def test_before_the_first_batch_there_is_no_rate_and_no_estimate(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    assert await progress_of(client, await loading(pool, bytes_total=1000)) == {
        "linesDone": 0,
        "bytesDone": 0,
        "bytesTotal": 1000,
        "rowsPerSecond": None,
        "estimatedLoadedAt": None,
    }


async def test_the_rate_is_that_of_the_attempt_and_the_end_is_estimated_from_the_bytes_left(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    """An earlier attempt stored 300 rows, this one 100 in 10 seconds; 600 rows are left."""
    import_id = await loading(
        pool,
        bytes_total=10_000,
        bytes_done=4_000,
        rows_read=400,
        rows_inserted=400,
        rows_before=300,
        progress_at=BEGAN + timedelta(seconds=10),
    )
    progress = await progress_of(client, import_id)
    assert (progress["bytesDone"], progress["rowsPerSecond"]) == (4000, 10)
    assert progress["estimatedLoadedAt"] == "2026-01-01T00:01:10Z"


@pytest.mark.parametrize(
    "columns",
    [
        {"progress_at": BEGAN},
        {"progress_at": BEGAN - timedelta(seconds=1)},
        {"progress_at": BEGAN + timedelta(seconds=1), "rows_before": 5},
        {"progress_at": BEGAN + timedelta(seconds=1), "bytes_done": 0},
        {"progress_at": BEGAN + timedelta(seconds=1), "bytes_total": None},
        {"progress_at": BEGAN + timedelta(seconds=1), "bytes_total": 2**62},
        {"progress_at": BEGAN + timedelta(seconds=1), "state": "aggregating"},
    ],
)
async def test_extreme_numbers_give_no_estimate_or_a_far_one(
    client: httpx2.AsyncClient, pool: Pool, columns: dict[str, Any]
) -> None:
    numbers = {"bytes_total": 100, "bytes_done": 50, "rows_read": 5, "rows_inserted": 5}
    progress = await progress_of(client, await loading(pool, **(numbers | columns)))
    far = columns.get("bytes_total") == 2**62
    assert (progress["estimatedLoadedAt"] is not None) == far
