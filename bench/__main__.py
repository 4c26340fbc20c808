"""`make bench`: the hot paths as ratios against a baseline in the same run.

The database is SENSORFLOW_BENCH_DATABASE_URL, whose readings it adds to, else an embedded one in a
temporary folder. The last line of each run's output is the JSON file it wrote.
"""

import asyncio
import socket
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import asyncpg
import typer
from authlib.integrations.httpx_client import AsyncOAuth2Client

from bench.measure import Result
from bench.runs import console, database, save, show
from bench.scenarios import BASELINE_TABLE, CONNECTIONS, SCENARIOS, Bench, Scenario
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
            save(kind, asyncio.run(measure(stack, chosen)))


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
    async with client, asyncpg.create_pool(stack.database_url, max_size=CONNECTIONS) as pool:
        await client.fetch_token()
        await pool.execute(BASELINE_TABLE)
        try:
            return [show(await scenario(Bench(client, pool))) for scenario in scenarios]
        finally:
            await pool.execute("DROP TABLE bench_readings")


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


if __name__ == "__main__":
    typer.run(main)
