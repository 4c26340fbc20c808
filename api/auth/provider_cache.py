"""What the identity provider serves and rarely changes: cached, and refreshed in the background."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic, TypeVar

import httpx2
import structlog

MAX_AGE_SECONDS = 3600.0
# Between the end of a fetch and the start of the next, whatever callers ask for.
COOLDOWN_SECONDS = 10.0
COOLDOWN_WITHOUT_VALUE_SECONDS = 2.0
# How long the caller that begins a fetch waits for it, if there is a stale value to use.
REFRESH_WAIT_SECONDS = 0.5

# What a provider's answer can cause: it fails, takes too long, is too large, or makes no sense.
FETCH_ERRORS = (httpx2.HTTPError, httpx2.InvalidURL, ValueError, RecursionError)

Clock = Callable[[], float]
Value = TypeVar("Value")

logger = structlog.get_logger()


class ProviderCache(Generic[Value]):
    """The newest value that could be fetched; there is one fetch at a time, for every caller."""

    def __init__(
        self, name: str, fetch: Callable[[], Awaitable[Value]], clock: Clock = time.monotonic
    ) -> None:
        self._name = name
        self._fetch = fetch
        self._clock = clock
        self._value: Value | None = None
        self._stale_at = float("-inf")
        self._next_fetch_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def get(self) -> Value | None:
        """The value, None if it was never fetched; a stale one while a newer takes its time."""
        if self._value is None:
            return await self.get_newer()
        if self._fetching is None and self._clock() >= self._stale_at:
            return await self.get_newer(REFRESH_WAIT_SECONDS)
        return self._value

    async def get_newer(self, timeout_seconds: float | None = None) -> Value | None:
        """The value after a fetch, or as it is if one ended just before or takes too long."""
        if self._fetching is None and self._clock() >= self._next_fetch_at:
            self._fetching = asyncio.create_task(self._refresh())
        if self._fetching is not None:
            # Not awaited by itself, so that a caller that is cancelled does not cancel the fetch.
            done, _ = await asyncio.wait({self._fetching}, timeout=timeout_seconds)
            for fetch in done:
                fetch.result()
        return self._value

    async def close(self) -> None:
        """Cancel the fetch in progress."""
        if self._fetching is not None:
            self._fetching.cancel()
            with suppress(asyncio.CancelledError):
                await self._fetching

    async def _refresh(self) -> None:
        try:
            self._value = await self._fetch()
            self._stale_at = self._clock() + MAX_AGE_SECONDS
        except FETCH_ERRORS as error:
            logger.warning("provider not read", what=self._name, cause=repr(error))
        finally:
            self._next_fetch_at = self._clock() + self._cooldown_seconds()
            self._fetching = None

    def _cooldown_seconds(self) -> float:
        return COOLDOWN_WITHOUT_VALUE_SECONDS if self._value is None else COOLDOWN_SECONDS
