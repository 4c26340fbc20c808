import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

T = TypeVar("T")


async def prefetch(items: AsyncIterator[T]) -> AsyncGenerator[T]:
    """The same items; the next one is produced while the consumer works on the current one.

    Closed early, it waits for the item that is being produced: a thread cannot be stopped.
    """
    upcoming = asyncio.ensure_future(anext(items))
    try:
        while True:
            try:
                item = await upcoming
            except StopAsyncIteration:
                return
            upcoming = asyncio.ensure_future(anext(items))
            yield item
    finally:
        await asyncio.gather(upcoming, return_exceptions=True)
