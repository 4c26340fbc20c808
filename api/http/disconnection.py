"""Work that nobody waits for any more: the client has disconnected."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from litestar.types import Receive

Result = TypeVar("Result")


async def while_connected(receive: Receive, work: Coroutine[Any, Any, Result]) -> Result:
    """The result of the work, which is cancelled when the client of the request disconnects.

    The body must have been received before.
    """
    task = asyncio.create_task(work)
    watch = asyncio.create_task(_cancel_at_disconnect(receive, task))
    try:
        return await task
    finally:
        watch.cancel()
        task.cancel()


async def _cancel_at_disconnect(receive: Receive, task: asyncio.Task[Any]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    task.cancel()
