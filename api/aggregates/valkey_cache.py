import time
from collections.abc import Awaitable, Coroutine
from importlib.metadata import version
from typing import TypeVar, cast

import msgspec
import structlog
from valkey.asyncio import Valkey
from valkey.exceptions import ValkeyError

from api.aggregates.encoding import Finding
from api.aggregates.metrics import AnswerMetrics
from core.settings import CacheSettings

# An answer waits no longer than this for what may be kept, and after a failure not at all for a
# while: a query takes about as long.
TIMEOUT_SECONDS = 0.2
PAUSE_SECONDS = 5

LIFETIME_SECONDS = 600

# Servers of another version may mean something else by the same bytes.
PREFIX = f"sensorflow:{version('sensorflow')}:answer:"

FAILURES = (ValkeyError, OSError, msgspec.MsgspecError)

T = TypeVar("T")

logger = structlog.get_logger()


class ValkeyKeep:
    """Findings in a Valkey, for all servers: a hash a query, whose one field is the tag.

    While it is of no use, nothing is kept.
    """

    def __init__(self, client: Valkey, settings: CacheSettings, metrics: AnswerMetrics) -> None:
        self._client = client
        self._most_bytes = settings.max_answer_bytes
        self._metrics = metrics
        self._paused_until = 0.0
        self._failed = False

    async def get(self, query: str, tag: str) -> Finding | None:
        """What is kept of the query, if it holds under the tag."""
        return await self._tried(self._get(PREFIX + query, tag))

    async def put(self, query: str, tag: str, finding: Finding) -> None:
        """Keep it for a while, unless it is too large."""
        if len(finding.items) <= self._most_bytes:
            await self._tried(self._put(PREFIX + query, tag, finding))

    async def _get(self, key: str, tag: str) -> Finding | None:
        kept = await cast("Awaitable[bytes | None]", self._client.hget(key, tag))
        return None if kept is None else msgspec.msgpack.decode(kept, type=Finding)

    async def _put(self, key: str, tag: str, finding: Finding) -> None:
        async with self._client.pipeline(transaction=True) as steps:
            steps.delete(key)
            steps.hset(key, mapping={tag: msgspec.msgpack.encode(finding)})
            steps.expire(key, LIFETIME_SECONDS)
            await steps.execute()

    async def _tried(self, work: Coroutine[None, None, T]) -> T | None:
        """What comes of it; None where the Valkey fails, or has just failed."""
        if time.monotonic() < self._paused_until:
            work.close()
            return None
        try:
            done = await work
        except FAILURES as error:
            self._note_failure(error)
            return None
        self._failed = False
        return done

    def _note_failure(self, error: Exception) -> None:
        self._metrics.failures.inc()
        self._paused_until = time.monotonic() + PAUSE_SECONDS
        if not self._failed:
            logger.warning("kept_answers_away", cause=repr(error))
        self._failed = True
