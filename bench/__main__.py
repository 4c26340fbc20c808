"""`make bench`: the hot paths as ratios against a baseline in the same run.

The database is SENSORFLOW_BENCH_DATABASE_URL, whose readings it adds to, else an embedded one in a
temporary folder. The last line of each run's output is the JSON file it wrote.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import asyncpg
import typer
import uvloop
from authlib.integrations.httpx_client import AsyncOAuth2Client

from bench.measure import Bench, Result, free_port
from bench.runs import console, database, save, show
from bench.scenarios import SCENARIOS, Scenario
from cli.demo.client import CLIENT_ID, SCOPES
from cli.demo.stack import Stack, running_platform
from embedded.identity import read_accounts


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
        return [show(await scenario(bench)) for scenario in scenarios]


if __name__ == "__main__":
    typer.run(main)
