"""What the worker ends of what BI tools leave running."""

import asyncio

import asyncpg
import pytest

from core.database import CONNECTION_LOST, Connection, Pool, shares_one_session
from jobs.maintenance.bi_sessions import end_long_bi_transactions


async def test_a_transaction_of_a_bi_tool_ends_after_its_limit_whatever_it_sets(
    application_pool: Pool, bi_tool: Connection
) -> None:
    if await shares_one_session(bi_tool):
        pytest.skip("the engine has one session, which cannot be ended")
    await bi_tool.execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
    await bi_tool.execute("BEGIN")
    await end_long_bi_transactions(application_pool, max_seconds=3600)
    await bi_tool.fetch("SELECT 1")
    await end_long_bi_transactions(application_pool, max_seconds=0)
    with pytest.raises((*CONNECTION_LOST, asyncpg.PostgresError)):
        await bi_tool.fetch("SELECT 1")


async def test_no_other_session_is_ended(application_pool: Pool, pool: Pool) -> None:
    async with application_pool.acquire() as ours:
        if await shares_one_session(ours):
            pytest.skip("the engine has one session, in which a transaction holds up everybody")
    async with application_pool.acquire() as ours, ours.transaction():
        async with pool.acquire() as owners:
            await owners.execute("SET application_name = 'long'")
            running = asyncio.create_task(owners.fetch("SELECT pg_sleep(0.3)"))
            await end_long_bi_transactions(application_pool, max_seconds=0)
            await running
        await ours.fetch("SELECT 1")


async def test_a_bi_tool_may_not_end_sessions(bi_tool: Connection) -> None:
    if await shares_one_session(bi_tool):
        pytest.skip("the engine has one session, which is a superuser whoever logs in")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await bi_tool.fetch("SELECT end_long_bi_transactions('0')")
