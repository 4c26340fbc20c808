"""The Valkey server that all processes of the API share, if one is configured."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import SecretStr
from valkey.asyncio import BlockingConnectionPool, Valkey

MAX_CONNECTIONS = 50


@asynccontextmanager
async def valkey_client(
    url: SecretStr, timeout_seconds: float, *, as_text: bool = True
) -> AsyncIterator[Valkey]:
    """A client that connects at first use and returns text or bytes.

    A command waits at most `timeout_seconds` for a connection, and again for its reply.
    """
    pool = BlockingConnectionPool.from_url(
        url.get_secret_value(),
        max_connections=MAX_CONNECTIONS,
        timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        socket_timeout=timeout_seconds,
        decode_responses=as_text,
    )
    try:
        yield Valkey(connection_pool=pool)
    finally:
        await pool.aclose()
