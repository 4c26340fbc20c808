"""POST /sensor-data under 64 connections: group commit against one INSERT a request."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from statistics import median

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


async def single_post(bench: Bench) -> list[Result]:
    """Requests/s over timestamps of 30 days, the token verified each time."""
    posts = requests(bench.token)
    ours: list[Load] = []
    baseline: list[Load] = []

    async def rate(url: str, runs: list[Load]) -> float:
        runs.append(await load(url, list(islice(posts, REQUESTS)), CONNECTIONS))
        require_all_stored(runs[-1])
        return runs[-1].rate

    async with server(bench) as grouped, server(bench, ONE_INSERT_A_REQUEST) as plain:
        rates = await medians_in_turns(
            bench.plan.runs, lambda: rate(grouped, ours), lambda: rate(plain, baseline)
        )
    details = percentiles("", ours) | percentiles("baseline_", baseline)
    name = "the same server with one INSERT a request"
    return [Result("single POST", "requests/s", *rates, name, details)]


@asynccontextmanager
async def server(bench: Bench, settings: dict[str, str] | None = None) -> AsyncIterator[str]:
    """The base URL of one more server of the stack, with settings of its own."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = environment_of(bench.stack) | {"SENSORFLOW_API_PORT": str(port)}
    environment |= settings or {}
    with ExitStack() as started:
        log_path = bench.stack.data_dir / "logs" / f"bench-{port}.log"
        started.enter_context(running(("serve",), environment, log_path))
        wait_until_ready(url, log_path.parent)
        yield url


def readings() -> Iterator[Reading]:
    """Endless new readings, each with another timestamp of the last 30 days."""
    start = datetime.now(UTC) - SPREAD
    for number in count():
        ts = start + number * timedelta(days=7, hours=5, microseconds=1) % SPREAD
        yield Reading(f"BENCH-{number % EQUIPMENT}", ts, number / 8)


def requests(token: str) -> Iterator[bytes]:
    """The readings, each as one POST."""
    for reading in readings():
        members = {
            "equipmentId": reading.equipment_id,
            "timestamp": reading.ts.isoformat(),
            "value": reading.value,
        }
        body = json.dumps(members).encode()
        yield post_request("/sensor-data", token, "application/json", body)


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
