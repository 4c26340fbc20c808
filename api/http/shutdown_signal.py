"""Learning early that the server is told to stop.

The server sends the lifespan's shutdown only after every request is answered, so a request that
waits for something must hear of the signal itself.
"""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)

Handler = Callable[[int, FrameType | None], object]


@contextmanager
def on_termination(callback: Callable[[], None]) -> Iterator[None]:
    """Have the running loop call `callback` on a signal to stop, before the handler there was.

    A signal that nobody handles keeps its default action.
    """
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in SIGNALS}
    handled = {number: handler for number, handler in before.items() if callable(handler)}
    for number, handler in handled.items():
        signal.signal(number, _chained(loop, callback, handler))
    try:
        yield
    finally:
        for number, handler in handled.items():
            signal.signal(number, handler)


def _chained(
    loop: asyncio.AbstractEventLoop, callback: Callable[[], None], handler: Handler
) -> Handler:
    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(callback)
        handler(number, frame)

    return handle
