"""Where findings are kept for who asks the same again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from api.aggregates.encoding import Finding
from api.aggregates.memory_cache import MemoryKeep
from api.aggregates.metrics import AnswerMetrics
from core.settings import CacheSettings, SessionSettings


class Keep(Protocol):
    """One finding a query, with the entity tag under which it holds; a newer one replaces it.

    A keep that is away or full keeps nothing and raises nothing.
    """

    async def get(self, query: str, tag: str) -> Finding | None:
        """What is kept of the query, if it holds under the tag."""

    async def put(self, query: str, tag: str, finding: Finding) -> None:
        """Keep it, unless it is too large."""


@asynccontextmanager
async def open_keep(
    cache: CacheSettings, session: SessionSettings, metrics: AnswerMetrics
) -> AsyncIterator[Keep]:
    """The Valkey of the sessions, which all servers share, or without one this process's memory."""
    if session.valkey_url is None:
        yield MemoryKeep(cache)
        return
    # Here, for a server without a Valkey can spare the 7 MB of its client.
    from api.aggregates.valkey_cache import TIMEOUT_SECONDS, ValkeyKeep  # noqa: PLC0415  # as said
    from core.valkey import valkey_client  # noqa: PLC0415  # as said

    async with valkey_client(session.valkey_url, TIMEOUT_SECONDS, as_text=False) as client:
        yield ValkeyKeep(client, cache, metrics)
