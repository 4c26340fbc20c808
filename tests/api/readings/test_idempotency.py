"""A request repeated with its Idempotency-Key gets the stored response and changes nothing."""

import asyncio
from typing import Any

import httpx2
import pytest

from core.database import Pool
from core.queries import queries
from tests.api.batches.test_batches import counts, post, row
from tests.api.readings.test_group_commit import another_writer
from tests.api.readings.test_readings import stored
from tests.support.stub_provider import StubProvider

KEY = {"Idempotency-Key": '"4ec2"'}


async def post_one(client: httpx2.AsyncClient, body: Any) -> httpx2.Response:
    return await client.post("/sensor-data", json=body, headers=KEY)


async def test_a_repeated_batch_gets_the_stored_response_and_changes_nothing(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    rows = [row(0), row(1), row(2, None)]
    first = await post(client, rows, KEY, mode="partial")
    await pool.execute("UPDATE readings SET value = 7")
    again = await post(client, rows, {"Idempotency-Key": "4ec2"}, mode="partial")
    assert counts(again) == {"inserted": 2, "rejected": 1}
    assert again.json() == first.json()
    assert {value for _, _, value in await stored(pool)} == {7}


async def test_a_repeated_reading_gets_the_stored_response_and_changes_nothing(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    first = await post_one(client, row())
    await pool.execute("UPDATE readings SET value = 7")
    again = await post_one(client, row())
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert again.status_code == 201
    assert [value for _, _, value in await stored(pool)] == [7]


async def test_another_request_with_the_key_is_refused(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await post(client, [row(0)], KEY)
    others = [
        await post(client, [row(1)], KEY),
        await post(client, [row(0)], KEY, onConflict="skip"),
        await post_one(client, row(0)),
    ]
    assert {response.status_code for response in others} == {422}
    assert {response.json()["code"] for response in others} == {"idempotency_key_reused"}
    assert len(await stored(pool)) == 1


async def test_a_refused_request_leaves_its_key_free(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await pool.execute("INSERT INTO retention_horizon (horizon) VALUES ('2026-01-01T00:00:00Z')")
    assert (await post(client, [row(0), row(-1)], KEY)).status_code == 400
    below = await post_one(client, row(-1))
    assert (below.status_code, below.json()["code"]) == (400, "below_retention")
    assert below.json()["errors"][0].keys() == {"field", "code", "message"}
    assert counts(await post(client, [row(0)], KEY)) == {"inserted": 1}


async def test_the_same_key_of_another_sender_is_another_key(
    client: httpx2.AsyncClient, stub_provider: StubProvider
) -> None:
    assert counts(await post(client, [row(0)], KEY)) == {"inserted": 1}
    other = {"Authorization": f"Bearer {stub_provider.token(sub='other')}"}
    assert counts(await post(client, [row(0)], KEY | other)) == {"unchanged": 1}


async def test_a_request_repeated_while_the_first_is_in_progress_is_executed_once(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    async with another_writer(pool, 0):
        posts = [asyncio.create_task(post(client, [row(0)], KEY)) for _ in range(2)]
        await asyncio.wait(posts, return_when=asyncio.FIRST_COMPLETED, timeout=2)
    responses = [await response for response in posts]
    first = next(response for response in responses if response.status_code == 200)
    for response in responses:
        if response.status_code == 409:  # where the database has a process for each connection
            assert response.json()["code"] == "idempotency_key_in_use"
        else:
            assert response.json() == first.json()
    assert await pool.fetchval("SELECT count(*) FROM idempotency_keys") == 1


async def test_no_other_login_can_hold_up_a_request(client: httpx2.AsyncClient, pool: Pool) -> None:
    async with pool.acquire() as holder:
        await holder.execute(
            "SELECT pg_advisory_lock(hashtextextended('4ec2', hashtextextended($1, 7463920120)))",
            "tester",
        )
        assert counts(await post(client, [row(0)], KEY)) == {"inserted": 1}


async def test_an_expired_key_is_claimed_by_one_request_at_a_time(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await post(client, [row(0)], KEY)
    await pool.execute("UPDATE idempotency_keys SET created_at = now() - INTERVAL '25 hours'")
    responses = await asyncio.gather(*(post(client, [row(0), row(1)], KEY) for _ in range(4)))
    assert {response.status_code for response in responses} <= {200, 409}
    executed = [counts(response) for response in responses if response.status_code == 200]
    assert executed
    assert all(account == {"inserted": 1, "unchanged": 1} for account in executed)


async def test_keys_expire_after_a_day(client: httpx2.AsyncClient, pool: Pool) -> None:
    await post(client, [row(0)], KEY)
    await queries().delete_expired_responses(pool)
    assert await pool.fetchval("SELECT count(*) FROM idempotency_keys") == 1
    await pool.execute("UPDATE idempotency_keys SET created_at = now() - INTERVAL '24 hours'")
    assert counts(await post(client, [row(0), row(1)], KEY)) == {"inserted": 1, "unchanged": 1}
    await pool.execute("UPDATE idempotency_keys SET created_at = now() - INTERVAL '24 hours'")
    await queries().delete_expired_responses(pool)
    assert await pool.fetchval("SELECT count(*) FROM idempotency_keys") == 0


@pytest.mark.parametrize("key", ["", '""', "a b", "é".encode(), "x" * 256, 'a"b'])
async def test_a_malformed_key_is_refused_by_name(
    client: httpx2.AsyncClient, key: str | bytes
) -> None:
    response = await post(client, [row()], {"Idempotency-Key": key})
    assert (response.status_code, response.json()["code"]) == (400, "validation_error")
    assert response.json()["errors"][0]["field"] == "Idempotency-Key"
