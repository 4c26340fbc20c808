"""`make bench`: the hot paths as ratios against a baseline in the same run.

The database is SENSORFLOW_BENCH_DATABASE_URL, whose readings it adds to, else an embedded one in a
temporary folder. It prints which JSON file it wrote. The exit code is 1 if a figure of `watch` is
worse than the committed one.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import asyncpg
import typer
import uvloop
from authlib.integrations.httpx_client import AsyncOAuth2Client

from bench.measure import Bench, Plan, Result, Scenario
from bench.regressions import Verdict, committed, compare, print_comparisons
from bench.runs import console, database, print_result, save, software
from bench.scenarios import LONG_SCENARIOS, SCENARIOS
from cli.demo.client import CLIENT_ID, SCOPES
from cli.demo.stack import DatabaseUrls, Stack, running_platform
from core.listening import ListenAddress
from core.settings import ApiSettings
from embedded.identity import read_accounts
from migrations.runner import upgrade

BY_NAME = SCENARIOS | LONG_SCENARIOS
NAMES = f"Any of {', '.join(BY_NAME)}; without any: all but {', '.join(LONG_SCENARIOS)}."


def main(
    scenarios: Annotated[list[str] | None, typer.Argument(help=NAMES)] = None,
    runs: Annotated[int, typer.Option(help="How often; medians are reported.")] = 5,
    rows: Annotated[
        int, typer.Option(help="Rows that import loads and aggregate queries.")
    ] = 2_000_000,
    minutes: Annotated[float, typer.Option(min=4, help="How long soak and sustained last.")] = 60,
) -> None:
    """Measure and write one JSON result."""
    selected = [BY_NAME[name] for name in scenarios or SCENARIOS]
    with TemporaryDirectory() as name, database(Path(name)) as (kind, url):
        api = ListenAddress("127.0.0.1", 0, ApiSettings).listen()
        uvloop.run(upgrade(url))
        urls = DatabaseUrls(url, url)
        with running_platform(console, urls, Path(name), api=api, idp_port=0) as stack:
            versions, results = uvloop.run(measure(stack, selected, Plan(runs, rows, minutes)))
    save(kind, versions, results)
    comparisons = compare(results, committed())
    if comparisons:
        print_comparisons(comparisons)
    if any(comparison.verdict is Verdict.WORSE for comparison in comparisons):
        raise typer.Exit(code=1)


async def measure(
    stack: Stack, scenarios: list[Scenario], plan: Plan
) -> tuple[dict[str, str], list[Result]]:
    """The versions of the software, and the results of the scenarios, each printed as it ends."""
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
        await client.fetch_token()
        bench = Bench(stack, client, pool, plan)
        results = [
            print_result(result) for scenario in scenarios for result in await scenario(bench)
        ]
        return await software(pool), results


if __name__ == "__main__":
    typer.run(main)
