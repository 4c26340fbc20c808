"""What every benchmark program needs: a database, and its results shown and kept."""

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from bench.measure import Result
from embedded.database import EmbeddedDatabase

RESULTS = Path("bench/results")
console = Console(highlight=False, soft_wrap=True)


@contextmanager
def database(folder: Path) -> Iterator[tuple[str, str]]:
    """What kind of database the run uses, and its URL."""
    if url := os.environ.get("SENSORFLOW_BENCH_DATABASE_URL"):
        yield "given", url
        return
    with EmbeddedDatabase.start(folder / "database") as embedded:
        yield "embedded", embedded.url


def show(result: Result) -> Result:
    """Print a result beside its baseline."""
    console.print(
        f"  {result.scenario}: {result.measured:,.1f} {result.unit}, "
        f"{result.ratio:.2f} times {result.baseline_is} ({result.baseline:,.1f})"
    )
    for name, figure in result.details.items():
        console.print(f"    {name}: {figure:,.1f}")
    return result


def save(kind: str, results: list[Result]) -> None:
    """Write the run with the machine it ran on."""
    now = datetime.now(UTC)
    run = {
        "at": now.isoformat(timespec="seconds"),
        "database": kind,
        "machine": {"cpus": os.cpu_count(), "system": platform.platform()},
        "results": [result.as_json() for result in results],
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{now:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(run, indent=2))
    console.print(str(path))
