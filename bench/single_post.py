"""POST /sensor-data under 64 connections.

Group commit against one INSERT a request, and the lean path against the framework's route.
"""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from statistics import median

import psutil

from bench.load import Load, load, post_request
from bench.measure import Bench, Result, free_port, medians_in_turns
from cli.demo.processes import running
from cli.demo.stack import environment_of, wait_until_ready
from core.readings import Reading

CONNECTIONS = 64
REQUESTS = 5_000
EQUIPMENT = 200
SPREAD = timedelta(days=30)

# As many concurrent transactions as the pool has connections, one reading in each.
ONE_INSERT_A_REQUEST = {
    "SENSORFLOW_INGEST_WRITERS": "10",
    "SENSORFLOW_INGEST_MAX_BATCH_READINGS": "1",
}

# A header that no lean request has.
BY_THE_FRAMEWORK = "Cookie: any=thing\r\n"


@dataclass
class Server:
    """A running server of the stack: its base URL, and its process."""

    url: str
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """The processor time that it has taken so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


@dataclass
class Sender:
    """Sends single readings to a server in runs; its figures are medians of the runs."""

    server: Server
    posts: Iterator[bytes]
    runs: list[Load] = field(default_factory=list)
    cpu_microseconds: list[float] = field(default_factory=list)

    async def rate(self) -> float:
        """Requests/s of one more run."""
        began = self.server.cpu_seconds()
        run = await load(self.server.url, list(islice(self.posts, REQUESTS)), CONNECTIONS)
        require_all_stored(run)
        self.runs.append(run)
        self.cpu_microseconds.append((self.server.cpu_seconds() - began) * 1e6 / REQUESTS)
        return run.rate

    def details(self, prefix: str) -> dict[str, float]:
        """Latencies, and the server's processor time of a request."""
        cpu = {f"{prefix}cpu_microseconds": median(self.cpu_microseconds)}
        return percentiles(prefix, self.runs) | cpu


async def single_post(bench: Bench) -> list[Result]:
    """Requests/s over timestamps of 30 days, the token verified each time."""
    token = bench.token
    async with server(bench) as ours, server(bench, ONE_INSERT_A_REQUEST) as plain:
        return [
            await _compared(
                bench.plan.runs,
                "single POST",
                Sender(ours, requests(token)),
                Sender(plain, requests(token)),
                "the same server with one INSERT a request",
            ),
            await _compared(
                bench.plan.runs,
                "single POST, lean path",
                Sender(ours, requests(token)),
                Sender(ours, requests(token, BY_THE_FRAMEWORK)),
                "the same server by the framework's route",
            ),
        ]


async def _compared(
    runs: int, scenario: str, ours: Sender, baseline: Sender, baseline_is: str
) -> Result:
    rates = await medians_in_turns(runs, ours.rate, baseline.rate)
    details = ours.details("") | baseline.details("baseline_")
    return Result(scenario, "requests/s", *rates, baseline_is, details)


@asynccontextmanager
async def server(bench: Bench, settings: dict[str, str] | None = None) -> AsyncIterator[Server]:
    """One more server of the stack, with settings of its own."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = environment_of(bench.stack) | {"SENSORFLOW_API_PORT": str(port)}
    environment |= settings or {}
    with ExitStack() as started:
        log_path = bench.stack.data_dir / "logs" / f"bench-{port}.log"
        process = started.enter_context(running(("serve",), environment, log_path))
        wait_until_ready(url, log_path.parent)
        yield Server(url, psutil.Process(process.pid))


def readings() -> Iterator[Reading]:
    """Endless new readings, each with another timestamp of the last 30 days."""
    start = datetime.now(UTC) - SPREAD
    for number in count():
        ts = start + number * timedelta(days=7, hours=5, microseconds=1) % SPREAD
        yield Reading(f"BENCH-{number % EQUIPMENT}", ts, number / 8)


def requests(token: str, more_headers: str = "") -> Iterator[bytes]:
    """The readings, each as one POST."""
    for reading in readings():
        members = {
            "equipmentId": reading.equipment_id,
            "timestamp": reading.ts.isoformat(),
            "value": reading.value,
        }
        body = json.dumps(members).encode()
        yield post_request("/sensor-data", token, "application/json", body, more_headers)


def require_all_stored(run: Load, status: int = 201) -> None:
    """Raise RuntimeError unless every response of the run had the status."""
    if set(run.statuses) != {status}:
        raise RuntimeError(f"not every reading was stored: {dict(run.statuses)}")


def percentiles(prefix: str, runs: list[Load]) -> dict[str, float]:
    """The medians of the runs' own p50 and p99."""
    return {
        f"{prefix}p{percent}_milliseconds": median(run.milliseconds(percent) for run in runs)
        for percent in (50, 99)
    }
