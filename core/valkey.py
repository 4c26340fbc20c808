"""The Valkey that all servers of the API share, where there is one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import SecretStr
from valkey.asyncio import BlockingConnectionPool, Valkey

CONNECTIONS = 50


@asynccontextmanager
async def valkey_client(
    url: SecretStr, timeout_seconds: float, *, as_text: bool = True
) -> AsyncIterator[Valkey]:
    """A client that connects at first use and gives text or bytes.

    A request waits no longer than the timeout for a connection, and again for an answer.
    """
    pool = BlockingConnectionPool.from_url(
        url.get_secret_value(),
        max_connections=CONNECTIONS,
        timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        socket_timeout=timeout_seconds,
        decode_responses=as_text,
    )
    try:
        yield Valkey(connection_pool=pool)
    finally:
        await pool.aclose()
