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

RUNS = 5
CONNECTIONS = 64
REQUESTS = 5_000
EQUIPMENT = 200
SPREAD = timedelta(days=30)

# As many transactions at once as the pool has connections, one reading in each.
ONE_INSERT_A_REQUEST = {
    "SENSORFLOW_INGEST_WRITERS": "10",
    "SENSORFLOW_INGEST_MAX_BATCH_READINGS": "1",
}


async def single_post(bench: Bench) -> Result:
    """Requests/s over timestamps of 30 days, the token checked each time."""
    requests = _requests(bench.token)
    latencies: list[tuple[float, float]] = []

    async def rate(url: str) -> float:
        seen = await load(url, list(islice(requests, REQUESTS)), CONNECTIONS)
        _require_all_stored(seen)
        latencies.append((seen.milliseconds(50), seen.milliseconds(99)))
        return seen.rate

    async with _server(bench, {}) as grouped, _server(bench, ONE_INSERT_A_REQUEST) as plain:
        ours, baseline = await medians_in_turns(RUNS, lambda: rate(grouped), lambda: rate(plain))
    return Result(
        "single POST",
        "requests/s",
        ours,
        baseline,
        "the same server with one INSERT a request",
        _percentiles(latencies),
    )


@asynccontextmanager
async def _server(bench: Bench, settings: dict[str, str]) -> AsyncIterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = environment_of(bench.stack) | {"SENSORFLOW_API_PORT": str(port)} | settings
    with ExitStack() as started:
        log_path = bench.stack.data_dir / "logs" / f"bench-{port}.log"
        started.enter_context(running("serve", environment, log_path))
        wait_until_ready(url, log_path.parent)
        yield url


def _requests(token: str) -> Iterator[bytes]:
    """Ever new readings, each at another moment of the last 30 days."""
    start = datetime.now(UTC) - SPREAD
    for number in count():
        moment = start + number * timedelta(days=7, hours=5, microseconds=1) % SPREAD
        reading = {
            "equipmentId": f"BENCH-{number % EQUIPMENT}",
            "timestamp": moment.isoformat(),
            "value": number / 8,
        }
        body = json.dumps(reading).encode()
        yield post_request("/sensor-data", token, "application/json", body)


def _require_all_stored(seen: Load) -> None:
    if set(seen.statuses) != {201}:
        raise RuntimeError(f"not every reading was stored: {dict(seen.statuses)}")


def _percentiles(latencies: list[tuple[float, float]]) -> dict[str, float]:
    ours, baseline = latencies[0::2], latencies[1::2]
    return {
        "p50_milliseconds": median(p50 for p50, _ in ours),
        "p99_milliseconds": median(p99 for _, p99 in ours),
        "baseline_p50_milliseconds": median(p50 for p50, _ in baseline),
        "baseline_p99_milliseconds": median(p99 for _, p99 in baseline),
    }
