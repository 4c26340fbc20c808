"""Locust with more and more users, each with a keep-alive connection to the API."""

import asyncio
import csv
import os
import sys
from pathlib import Path

from bench.measure import Bench, Result
from bench.runs import RESULTS, console

# Not imported here: importing Locust replaces the standard library's sockets and threads.
LOCUSTFILE = Path(__file__).with_name("locustfile.py")
TOKEN_VARIABLE = "SENSORFLOW_BENCH_TOKEN"  # noqa: S105  # where the token is, not what it is
LEVELS = (500, 1_000, 5_000, 10_000)
SECONDS = 90
SPAWN_SECONDS = 20
BOUND_MILLISECONDS = 1_000


async def users(bench: Bench) -> list[Result]:
    """The 95th percentile of the latency at each level, spawning included."""
    return [await _level(bench, level) for level in LEVELS]


async def _level(bench: Bench, level: int) -> Result:
    RESULTS.mkdir(exist_ok=True)
    prefix = RESULTS / f"locust-{level}"
    await _locust(bench, level, prefix)
    console.print(f"  {prefix}.html")
    row = aggregated(Path(f"{prefix}_stats.csv"))
    return Result(
        f"{level:,} users",
        "ms (95 %)",
        float(row["95%"]),
        BOUND_MILLISECONDS,
        "the bound up to 5,000 users",
        {
            "requests": float(row["Request Count"]),
            "failed": float(row["Failure Count"]),
            "requests/s": float(row["Requests/s"]),
            "p50_milliseconds": float(row["50%"]),
            "p99_milliseconds": float(row["99%"]),
        },
    )


async def _locust(bench: Bench, level: int, prefix: Path) -> None:
    options = {
        "--locustfile": LOCUSTFILE,
        "--host": bench.stack.api_url,
        "--users": level,
        "--spawn-rate": level // SPAWN_SECONDS,
        "--run-time": f"{SECONDS}s",
        "--html": f"{prefix}.html",
        "--csv": prefix,
        "--exit-code-on-error": 0,
        "--loglevel": "WARNING",
    }
    arguments = [str(part) for option in options.items() for part in option]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "locust",
        "--headless",
        "--only-summary",
        *arguments,
        env=os.environ | {TOKEN_VARIABLE: bench.token},
    )
    if await process.wait() != 0:
        raise RuntimeError("Locust could not run; it says above why.")


def aggregated(statistics: Path) -> dict[str, str]:
    """The row of Locust's table over all requests."""
    with statistics.open(newline="") as file:
        return next(row for row in csv.DictReader(file) if row["Name"] == "Aggregated")
