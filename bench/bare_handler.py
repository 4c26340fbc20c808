"""The minimum cost of one equipment's hours over HTTP, with the same libraries as the API.

The rows are fetched and encoded as the API does it, without sign-in, state, tag, order, metrics
or log: what this takes above the bare SQL cannot be saved.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from itertools import starmap
from urllib.parse import urlencode

import msgspec
from granian import Granian
from granian.constants import Interfaces
from litestar import Litestar, MediaType, Response, get
from litestar.datastructures import State

from api.aggregates.schemas import Item
from bench.answers import equipment, median_milliseconds
from bench.connection import Connection
from bench.load import get_request
from bench.measure import free_port
from core.database import open_pool
from core.settings import DatabaseSettings
from core.time import utc_now

START_SECONDS = 20

# The columns of api.aggregates.bucket_row.BucketRow.
HOURS = """
SELECT
    equipment_id, date_part('epoch', bucket)::bigint, total_value, sample_count,
    total_value / sample_count, minimum, maximum, first, last
FROM readings_1h WHERE equipment_id = $1 AND bucket >= $2 AND bucket < $3
"""


class BareHandler:
    """A client of the bare handler over one connection."""

    def __init__(self, port: int) -> None:
        self._connection = Connection(f"http://127.0.0.1:{port}")

    async def http(self, times: int, hours: int) -> float:
        """Median milliseconds of so many hours, each time of a different id."""

        async def request(turn: int) -> None:
            path = f"/hours?{urlencode({'hours': hours, 'named': equipment(turn)})}"
            await self._connection.send(get_request(path, "none"))

        return await median_milliseconds(times, request)


@contextmanager
def running_bare_handler(database_url: str) -> Iterator[BareHandler]:
    """A bare handler in its own process, which is stopped at the end of the block."""
    port = free_port()
    command = [sys.executable, "-m", "bench.bare_handler", str(port)]
    environment = os.environ | {"SENSORFLOW_DATABASE_URL": database_url}
    with subprocess.Popen(command, env=environment) as process:  # noqa: S603  # all of it is ours
        try:
            _wait_for(port)
            yield BareHandler(port)
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


@get("/hours")
async def hours_of_one(state: State, hours: int, named: str) -> Response[bytes]:
    """The last so many hours of one equipment."""
    now = utc_now()
    rows = await state.pool.fetch(HOURS, named, now - timedelta(hours=hours), now)
    return Response(msgspec.json.encode(list(starmap(Item, rows))), media_type=MediaType.JSON)


def create_app() -> Litestar:
    """The application; the database is that of the settings."""

    @asynccontextmanager
    async def with_pool(app: Litestar) -> AsyncIterator[None]:
        async with await open_pool(DatabaseSettings(), reset_sessions=False) as app.state.pool:
            yield

    return Litestar([hours_of_one], lifespan=[with_pool], openapi_config=None)


if __name__ == "__main__":
    Granian(
        "bench.bare_handler:create_app",
        factory=True,
        interface=Interfaces.ASGI,
        port=int(sys.argv[1]),
        log_enabled=False,
    ).serve()
