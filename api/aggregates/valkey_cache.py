import time
from collections.abc import Awaitable, Coroutine
from importlib.metadata import version
from typing import TypeVar, cast

import msgspec
import structlog
from valkey.asyncio import Valkey
from valkey.exceptions import ValkeyError

from api.aggregates.encoding import EncodedResult
from api.aggregates.metrics import AggregateMetrics
from core.settings import CacheSettings

# A response waits no longer than this for the cache, and after a failure not at all for a while:
# executing the query takes about as long.
TIMEOUT_SECONDS = 0.2
PAUSE_SECONDS = 5

LIFETIME_SECONDS = 600

# Servers of another version may mean something else by the same bytes.
PREFIX = f"sensorflow:{version('sensorflow')}:answer:"

FAILURES = (ValkeyError, OSError, msgspec.MsgspecError)

T = TypeVar("T")

logger = structlog.get_logger()


class ValkeyResultCache:
    """Results in a Valkey that all servers share: a hash a query, whose one field is the tag.

    While the Valkey fails, nothing is cached.
    """

    def __init__(self, client: Valkey, settings: CacheSettings, metrics: AggregateMetrics) -> None:
        self._client = client
        self._max_result_bytes = settings.max_answer_bytes
        self._metrics = metrics
        self._paused_until = 0.0
        self._failed = False

    async def get(self, key: str, tag: str) -> EncodedResult | None:
        """The cached result of the query with this key, if it is valid under the tag."""
        return await self._attempt(self._get(PREFIX + key, tag))

    async def put(self, key: str, tag: str, result: EncodedResult) -> None:
        """Store the result for `LIFETIME_SECONDS` unless it is too large."""
        if len(result.items) <= self._max_result_bytes:
            await self._attempt(self._put(PREFIX + key, tag, result))

    async def _get(self, key: str, tag: str) -> EncodedResult | None:
        cached = await cast("Awaitable[bytes | None]", self._client.hget(key, tag))
        return None if cached is None else msgspec.msgpack.decode(cached, type=EncodedResult)

    async def _put(self, key: str, tag: str, result: EncodedResult) -> None:
        async with self._client.pipeline(transaction=True) as pipeline:
            pipeline.delete(key)
            pipeline.hset(key, mapping={tag: msgspec.msgpack.encode(result)})
            pipeline.expire(key, LIFETIME_SECONDS)
            await pipeline.execute()

    async def _attempt(self, command: Coroutine[None, None, T]) -> T | None:
        """The command's result; None if the Valkey fails, or has failed a moment ago."""
        if time.monotonic() < self._paused_until:
            command.close()
            return None
        try:
            reply = await command
        except FAILURES as error:
            self._record_failure(error)
            return None
        self._failed = False
        return reply

    def _record_failure(self, error: Exception) -> None:
        self._metrics.cache_failures.inc()
        self._paused_until = time.monotonic() + PAUSE_SECONDS
        if not self._failed:
            logger.warning("kept_answers_away", cause=repr(error))
        self._failed = True
