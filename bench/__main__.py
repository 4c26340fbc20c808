"""`make bench`: the hot paths as ratios against a baseline in the same run.

The database is SENSORFLOW_BENCH_DATABASE_URL, whose readings it adds to, else an embedded one in a
temporary folder. The last line of each run's output is the JSON file it wrote.
"""

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import asyncpg
import typer
import uvloop
from authlib.integrations.httpx_client import AsyncOAuth2Client
from rich.console import Console

from bench.measure import Bench, Result, free_port
from bench.scenarios import BASELINE_TABLE, SCENARIOS, Scenario
from cli.demo.client import CLIENT_ID, SCOPES
from cli.demo.stack import Stack, running_platform
from embedded.database import EmbeddedDatabase
from embedded.identity import read_accounts

RESULTS = Path("bench/results")
console = Console(highlight=False, soft_wrap=True)


def main(
    scenarios: Annotated[
        list[str] | None, typer.Argument(help=f"Any of {', '.join(SCENARIOS)}; all if none.")
    ] = None,
) -> None:
    """Measure the hot paths and write one JSON result."""
    chosen = [SCENARIOS[name] for name in scenarios or SCENARIOS]
    with TemporaryDirectory() as name, database(Path(name)) as (kind, url):
        ports = {"api_port": free_port(), "idp_port": free_port()}
        with running_platform(console, url, Path(name), **ports) as stack:
            save(kind, uvloop.run(measure(stack, chosen)))


@contextmanager
def database(folder: Path) -> Iterator[tuple[str, str]]:
    """What kind of database the run uses, and its URL."""
    if url := os.environ.get("SENSORFLOW_BENCH_DATABASE_URL"):
        yield "given", url
        return
    with EmbeddedDatabase.start(folder / "database") as embedded:
        yield "embedded", embedded.url


async def measure(stack: Stack, scenarios: list[Scenario]) -> list[Result]:
    """Run the scenarios one after another, each shown as it ends."""
    client = AsyncOAuth2Client(
        CLIENT_ID,
        read_accounts().client_secrets[CLIENT_ID],
        scope=SCOPES,
        token_endpoint=f"{stack.issuer}/token",
        grant_type="client_credentials",
        base_url=stack.api_url,
        timeout=120,
    )
    async with client, asyncpg.create_pool(stack.database_url, min_size=1, max_size=1) as pool:
        token = (await client.fetch_token())["access_token"]
        bench = Bench(stack, client, token, pool)
        await pool.execute(BASELINE_TABLE)
        try:
            return [show(await scenario(bench)) for scenario in scenarios]
        finally:
            await pool.execute("DROP TABLE bench_readings")


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


if __name__ == "__main__":
    typer.run(main)
