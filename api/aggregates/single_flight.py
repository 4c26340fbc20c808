"""One query for all who ask the same at one time."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """What is being found out, by the name of what is asked."""

    def __init__(self) -> None:
        self._under_way: dict[str, asyncio.Future[T | None]] = {}

    def under_way(self, name: str) -> "asyncio.Future[T | None] | None":
        """What comes of it, None if nothing does; None if nobody is at it."""
        future = self._under_way.get(name)
        # Shielded: who gives up waiting leaves the others waiting.
        return None if future is None else asyncio.shield(future)

    @contextmanager
    def finding(self, name: str) -> Iterator["asyncio.Future[T | None]"]:
        """The block sets the result that others wait for, or leaves them without."""
        future: asyncio.Future[T | None] = asyncio.get_running_loop().create_future()
        self._under_way[name] = future
        try:
            yield future
        finally:
            del self._under_way[name]
            if not future.done():
                future.set_result(None)
