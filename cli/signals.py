"""Handlers of SIGINT and SIGTERM for every phase of a process."""

import asyncio
import os
import signal
import threading

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def exit_on_signal() -> None:
    """Exit at once on a signal, as long as there is nothing to shut down.

    Not by an exception, which is lost if it is raised in a finalizer, nor by the default action,
    which the kernel does not apply to the first process of a container.
    """
    for number in SIGNALS:
        signal.signal(number, lambda *_: os._exit(0))


def stop_on_signal(timeout_seconds: float) -> asyncio.Event:
    """An event that a signal sets; the process exits `timeout_seconds` after it at the latest."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def handle(*_: object) -> None:
        loop.call_soon_threadsafe(stop.set)
        timer = threading.Timer(timeout_seconds, os._exit, (0,))
        timer.daemon = True
        timer.start()

    for number in SIGNALS:
        signal.signal(number, handle)
    return stop
