"""A login as `sensorflow bi-user create` makes it, for tools that connect themselves."""

from collections.abc import AsyncIterator
from secrets import token_hex
from urllib.parse import urlsplit

import asyncpg
import pytest_asyncio
from pydantic import SecretStr

from cli.bi_users.logins import Limits, create_login, revoke_login
from core.database import Connection
from core.settings import DatabaseSettings

LIMITS = Limits(max_connections=5, statement_timeout_seconds=300)


@pytest_asyncio.fixture(scope="session")
async def tool_url(owner_url: str) -> AsyncIterator[str]:
    """The URL that a BI tool is given. On the embedded engine its session is a superuser's."""
    database = DatabaseSettings(url=SecretStr(owner_url))
    made = await create_login(database, f"bi_{token_hex(4)}", LIMITS)
    parts = urlsplit(owner_url)
    address = parts.netloc.rpartition("@")[2]
    yield parts._replace(netloc=f"{made.name}:{made.password}@{address}").geturl()
    await revoke_login(database, made.name)


@pytest_asyncio.fixture
async def tool(tool_url: str) -> AsyncIterator[Connection]:
    """A session of that login, with its search path, which the embedded engine does not know."""
    connection = await asyncpg.connect(tool_url)
    await connection.execute("SET search_path = bi")
    yield connection
    await connection.execute("RESET search_path")  # of everybody, where there is one session
    await connection.close()
