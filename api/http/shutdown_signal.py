"""Learning early that the server is to shut down.

The server sends the lifespan's shutdown only after every request has ended, so a request that
waits for something must be notified of the signal itself.
"""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)

Handler = Callable[[int, FrameType | None], object]


@contextmanager
def on_shutdown_signal(callback: Callable[[], None]) -> Iterator[None]:
    """Have the running loop call `callback` on SIGTERM and SIGINT, before the previous handler.

    A signal without a handler keeps its default action.
    """
    loop = asyncio.get_running_loop()
    current = {number: signal.getsignal(number) for number in SIGNALS}
    previous = {number: handler for number, handler in current.items() if callable(handler)}
    for number, handler in previous.items():
        signal.signal(number, _chained(loop, callback, handler))
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _chained(
    loop: asyncio.AbstractEventLoop, callback: Callable[[], None], previous: Handler
) -> Handler:
    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(callback)
        previous(number, frame)

    return handle
