"""Caches of encoded results, so that an equivalent query need not be executed again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from api.aggregates.encoding import EncodedResult
from api.aggregates.memory_cache import MemoryResultCache
from api.aggregates.metrics import AggregateMetrics
from core.settings import CacheSettings, SessionSettings


class ResultCache(Protocol):
    """One result a query, valid under one entity tag; a newer one replaces it.

    A cache that is unavailable or full stores nothing and raises nothing.
    """

    async def get(self, key: str, tag: str) -> EncodedResult | None:
        """The cached result of the query with this key, if it is valid under the tag."""

    async def put(self, key: str, tag: str, result: EncodedResult) -> None:
        """Store the result unless it is too large."""


@asynccontextmanager
async def open_result_cache(
    cache: CacheSettings, session: SessionSettings, metrics: AggregateMetrics
) -> AsyncIterator[ResultCache]:
    """The Valkey of the sessions, which all servers share, or without one this process's memory."""
    if session.valkey_url is None:
        yield MemoryResultCache(cache)
        return
    # Imported here: a server without a Valkey saves the 7 MB of its client.
    from api.aggregates.valkey_cache import (  # noqa: PLC0415  # as said
        TIMEOUT_SECONDS,
        ValkeyResultCache,
    )
    from core.valkey import valkey_client  # noqa: PLC0415  # as said

    async with valkey_client(session.valkey_url, TIMEOUT_SECONDS, as_text=False) as client:
        yield ValkeyResultCache(client, cache, metrics)
