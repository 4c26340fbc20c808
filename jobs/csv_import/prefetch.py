import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

T = TypeVar("T")


async def ahead(items: AsyncIterator[T]) -> AsyncGenerator[T]:
    """The same items; while one is worked on, the next is made.

    Closed early, it waits for the item in the making: a thread cannot be stopped.
    """
    coming = asyncio.ensure_future(anext(items))
    try:
        while True:
            try:
                item = await coming
            except StopAsyncIteration:
                return
            coming = asyncio.ensure_future(anext(items))
            yield item
    finally:
        await asyncio.gather(coming, return_exceptions=True)
