"""SIGINT and SIGTERM, at any moment of a process's life."""

import asyncio
import os
import signal
import threading

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def exit_when_asked() -> None:
    """Have a signal end this process at once, as long as there is nothing to end in order.

    Not by an exception, which a finalizer that it happens to arrive in may swallow, nor by the
    default action, which does not exist for the first process of a container.
    """
    for number in SIGNALS:
        signal.signal(number, lambda *_: os._exit(0))


def stop_when_asked(at_the_latest_seconds: float) -> asyncio.Event:
    """An event of the running loop that a signal sets from now on.

    The process ends so many seconds after the signal at the latest, whatever is still held up then.
    """
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def handle(*_: object) -> None:
        loop.call_soon_threadsafe(stop.set)
        last_resort = threading.Timer(at_the_latest_seconds, os._exit, (0,))
        last_resort.daemon = True
        last_resort.start()

    for number in SIGNALS:
        signal.signal(number, handle)
    return stop
