"""Single readings beside the worst that BI logins may do: a table without a filter, cross joins."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import islice
from urllib.parse import urlsplit

import asyncpg
from pydantic import SecretStr

from bench.load import load
from bench.measure import Bench, Result
from bench.single_post import Server, requests, require_all_stored, server
from cli.bi_users.logins import Limits, create_login, revoke_login
from core.database import Connection
from core.settings import DatabaseSettings

LOGIN = "bench_bi"
CROSS_JOINS = 4
CONNECTIONS = 8
REQUESTS = 3_000
CROSS_JOIN = "SELECT count(a.value + b.value) FROM bi.readings AS a CROSS JOIN bi.readings AS b"


async def bi_load(bench: Bench) -> list[Result]:
    """The p99 of single readings with and without five queries without end."""
    posts = requests(bench.token)
    async with server(bench) as ours:
        alone = await _p99(ours, list(islice(posts, REQUESTS)))
        async with _queries_without_end(bench.stack.database_url):
            beside = await _p99(ours, list(islice(posts, REQUESTS)))
    return [Result("p99 of a single POST beside BI queries", "ms", beside, alone, "alone")]


async def _p99(ours: Server, posts: list[bytes]) -> float:
    run = await load(ours.url, posts, CONNECTIONS)
    require_all_stored(run)
    return run.milliseconds(99)


@asynccontextmanager
async def _queries_without_end(owner_url: str) -> AsyncIterator[None]:
    database = DatabaseSettings(url=SecretStr(owner_url))
    made = await create_login(database, LOGIN, Limits(CROSS_JOINS + 1, 300))
    address = urlsplit(owner_url).netloc.rpartition("@")[2]
    url = urlsplit(owner_url)._replace(netloc=f"{LOGIN}:{made.password}@{address}").geturl()
    try:
        async with AsyncExitStack() as opened:
            for number in range(CROSS_JOINS + 1):
                await opened.enter_async_context(_running(await asyncpg.connect(url), number))
            yield
    finally:
        await revoke_login(database, LOGIN)


@asynccontextmanager
async def _running(connection: Connection, number: int) -> AsyncIterator[None]:
    """The unfiltered table, or a cross join, until the block ends."""
    query = (
        connection.execute(CROSS_JOIN)
        if number
        else connection.copy_from_query("SELECT * FROM bi.readings", output=_discard)
    )
    task = asyncio.create_task(query)
    try:
        yield
    finally:
        connection.terminate()
        await asyncio.gather(task, return_exceptions=True)


async def _discard(_data: bytes) -> None:
    """Read as fast as it comes."""
