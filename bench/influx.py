"""POST /sensor-data against InfluxDB 1.x: one point a request, durable before the response on both.

InfluxDB runs with its defaults; its files are below the run's temporary folder. Here it checks user
name and password of each write.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import httpx2

from bench.load import Load, load, post_request
from bench.measure import Bench, Result, free_port, medians_in_turns
from bench.runs import console
from bench.single_post import (
    CONNECTIONS,
    REQUESTS,
    percentiles,
    readings,
    requests,
    require_all_stored,
)

START_SECONDS = 20
DATABASE = "bench"
USER, PASSWORD = "bench", "bench-1234"
CREDENTIALS = f"u={USER}&p={PASSWORD}"
STATEMENTS = (
    f"CREATE USER {USER} WITH PASSWORD '{PASSWORD}' WITH ALL PRIVILEGES",
    f"CREATE DATABASE {DATABASE}",
)


async def single_post_against_influx(bench: Bench) -> list[Result]:
    """Requests/s of the API against an influxd of this machine; nothing if none is installed."""
    influxd = shutil.which("influxd")
    if influxd is None:
        console.print("  influx: left out, no influxd is installed (apt-get install influxdb)")
        return []
    ours: list[Load] = []
    theirs: list[Load] = []

    async def rate(url: str, posts: Iterator[bytes], status: int, runs: list[Load]) -> float:
        runs.append(await load(url, list(islice(posts, REQUESTS)), CONNECTIONS))
        require_all_stored(runs[-1], status)
        return runs[-1].rate

    posts, points = requests(bench.token), _points()
    folder = bench.stack.data_dir / "influx"
    with running_influx(influxd, folder, authenticated=True) as influx_url:
        rates = await medians_in_turns(
            bench.plan.runs,
            lambda: rate(bench.stack.api_url, posts, 201, ours),
            lambda: rate(influx_url, points, 204, theirs),
        )
    details = percentiles("", ours) | percentiles("baseline_", theirs)
    return [Result("single POST, InfluxDB", "requests/s", *rates, "InfluxDB 1.x", details)]


def _points() -> Iterator[bytes]:
    """The readings that the API gets, in line protocol."""
    for reading in readings():
        nanoseconds = round(reading.ts.timestamp() * 1_000_000) * 1_000
        line = f"readings,equipment={reading.equipment_id} value={reading.value} {nanoseconds}"
        yield post_request(
            f"/write?db={DATABASE}&{CREDENTIALS}", "none", "text/plain", line.encode()
        )


@contextmanager
def running_influx(influxd: str, folder: Path, *, authenticated: bool = False) -> Iterator[str]:
    """The base URL of an InfluxDB with an empty database; it is stopped with the block.

    `authenticated`: requests must carry CREDENTIALS.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (
        (folder.parent / "influx.log").open("wb") as log,
        subprocess.Popen(  # noqa: S603  # the program that is to be measured
            [influxd, "run", "-config", os.devnull],
            env=os.environ
            | _settings(folder, port)
            | {"INFLUXDB_HTTP_AUTH_ENABLED": str(authenticated).lower()},
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            wait_for(f"{url}/ping")
            _set_up(url)
            yield url
        finally:
            process.terminate()


def _settings(folder: Path, port: int) -> dict[str, str]:
    return {
        "INFLUXDB_META_DIR": str(folder / "meta"),
        "INFLUXDB_DATA_DIR": str(folder / "data"),
        "INFLUXDB_DATA_WAL_DIR": str(folder / "wal"),
        "INFLUXDB_DATA_WAL_FSYNC_DELAY": "0s",
        "INFLUXDB_BIND_ADDRESS": f"127.0.0.1:{free_port()}",
        "INFLUXDB_HTTP_BIND_ADDRESS": f"127.0.0.1:{port}",
        "INFLUXDB_REPORTING_DISABLED": "true",
    }


def wait_for(url: str) -> None:
    """Return once a GET is answered with success."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            httpx2.get(url).raise_for_status()
        except httpx2.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def _set_up(url: str) -> None:
    """Create the user, which needs no credentials yet, and the database."""
    for statement in STATEMENTS:
        parameters = {"q": statement, "u": USER, "p": PASSWORD}
        httpx2.post(f"{url}/query", params=parameters).raise_for_status()
