"""One execution of a query for all callers that request it at the same time."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """The executions in flight, by their keys: one leads, the others wait for its result."""

    def __init__(self) -> None:
        self._in_flight: dict[str, asyncio.Future[T | None]] = {}

    def in_flight(self, key: str) -> "asyncio.Future[T | None] | None":
        """The future result, None if no execution is in flight.

        The result is None if the leader fails or is cancelled.
        """
        future = self._in_flight.get(key)
        # Shielded: a waiter that is cancelled leaves the others waiting.
        return None if future is None else asyncio.shield(future)

    @contextmanager
    def lead(self, key: str) -> Iterator["asyncio.Future[T | None]"]:
        """Lead the execution: the block sets the result, or the others get None when it ends."""
        future: asyncio.Future[T | None] = asyncio.get_running_loop().create_future()
        self._in_flight[key] = future
        try:
            yield future
        finally:
            del self._in_flight[key]
            if not future.done():
                future.set_result(None)
