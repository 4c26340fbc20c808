"""The API in a process of its own that records how long its event loop was held at a time.

`python -m bench.lag_server FILE` takes the settings of `sensorflow serve` and writes its record to
the file when it is stopped.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from litestar import Litestar

import api.app
from cli.demo.child import stop_with_parent
from cli.serve import serve_api

TICK_SECONDS = 0.001


@dataclass
class LagRecorder:
    """At each tick: its moment, how late it was, and the processor time since the last one.

    The loop alone runs in its thread, so the processor time is what it was held for, even where
    other processes have the processor; ticks are at most 2 ms apart, since uvloop counts in ms.
    """

    path: Path
    ticks: list[tuple[float, float, float]] = field(default_factory=list)

    async def record(self) -> None:
        """Tick until cancelled."""
        last, last_used = time.monotonic(), time.thread_time()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now, used = time.monotonic(), time.thread_time()
            self.ticks.append((now, now - last - TICK_SECONDS, used - last_used))
            last, last_used = now, used

    def write(self) -> None:
        """Write all ticks to the file."""
        self.path.write_text(json.dumps(self.ticks))


def recorded(create_app: Callable[[], Litestar], recorder: LagRecorder) -> Callable[[], Litestar]:
    """The same application, recorded from its start to its end."""
    tasks: list[asyncio.Task[Any]] = []

    async def start() -> None:
        tasks.append(asyncio.create_task(recorder.record()))

    async def stop() -> None:
        for task in tasks:
            task.cancel()
        recorder.write()

    def create() -> Litestar:
        app = create_app()
        app.on_startup.append(start)
        app.on_shutdown.append(stop)
        return app

    return create


if __name__ == "__main__":
    stop_with_parent()
    api.app.from_environment = recorded(api.app.from_environment, LagRecorder(Path(sys.argv[1])))
    serve_api()
