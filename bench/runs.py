"""What every run needs: a database, and results printed and saved with the machine's data."""

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import asyncpg
import psutil
from rich.console import Console

from bench.measure import Result
from embedded.database import EmbeddedDatabase

RESULTS = Path("bench/results")
PACKAGES = ("asyncpg", "granian", "litestar", "polars")
DATABASE_VERSIONS = """
    SELECT
        current_setting('server_version') AS postgresql,
        (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS timescaledb
"""
console = Console(highlight=False, soft_wrap=True)


@contextmanager
def database(folder: Path) -> Iterator[tuple[str, str]]:
    """The kind of database the run uses, and its URL."""
    if url := os.environ.get("SENSORFLOW_BENCH_DATABASE_URL"):
        yield "given", url
        return
    with EmbeddedDatabase.start(folder / "database") as embedded:
        yield "embedded", embedded.url


def print_result(result: Result) -> Result:
    """Print a result beside its baseline."""
    ratio = "" if result.ratio is None else f"{result.ratio:.2f} times "
    console.print(
        f"  {result.scenario}: {result.measured:,.1f} {result.unit}, "
        f"{ratio}{result.baseline_is} ({result.baseline:,.1f})"
    )
    for name, figure in result.details.items():
        console.print(f"    {name}: {figure:,.1f}")
    return result


async def software(pool: "asyncpg.Pool[asyncpg.Record]") -> dict[str, str]:
    """The versions of the software that is measured."""
    row = await pool.fetchrow(DATABASE_VERSIONS)
    packages = {name: version(name) for name in PACKAGES}
    return {"python": platform.python_version(), **packages, **dict(row or {})}


def save(kind: str, versions: dict[str, str], results: list[Result]) -> None:
    """Write the run to a JSON file, with the machine it ran on."""
    now = datetime.now(UTC)
    run = {
        "at": now.isoformat(timespec="seconds"),
        "database": kind,
        "machine": {
            "cpus": os.cpu_count(),
            "memory_bytes": psutil.virtual_memory().total,
            "load_average": os.getloadavg(),
            "system": platform.platform(),
        },
        "versions": versions,
        "results": [result.as_json() for result in results],
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{now:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(run, indent=2))
    console.print(str(path))
