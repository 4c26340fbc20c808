"""The demo's output: what it did, where things are, what to try."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from cli.demo.client import CLIENT_ID, SCOPES, DemoClient
from cli.demo.stack import Stack
from core.errors import SensorFlowError
from embedded.identity import read_accounts

WINDOWS = {"24h": "24 hours", "48h": "48 hours", "1w": "week", "1m": "month"}


class DemoImportFailedError(SensorFlowError):
    """The sample did not load, so there is nothing to show."""

    code = "demo_import_failed"


def print_import(console: Console, outcome: Mapping[str, Any]) -> None:
    """Print the row counts of one import; raises DemoImportFailedError if it was not done."""
    if outcome["state"] != "done":
        raise DemoImportFailedError(
            f"The import of {outcome['fileName']} ended {outcome['state']}: {outcome['error']}. "
            "The worker's log is in the data folder."
        )
    counts = outcome["counts"]
    shown = (name for name in counts if counts[name] or name != "skipped")
    summary = ", ".join(f"{counts[name]:,} {name}" for name in shown)
    console.print(f"  [green]✓[/] {outcome['fileName']}: {summary}")


def print_windows(console: Console, client: DemoClient) -> None:
    """Print how many readings and buckets each of the four windows has, by HTTP."""
    for interval, words in WINDOWS.items():
        aggregates = client.totals(interval)
        console.print(
            f"  [green]✓[/] last {words}: {aggregates['totalCount']:,} readings "
            f"in {len(aggregates['items']):,} hourly buckets"
        )


def print_invitation(console: Console, stack: Stack) -> None:
    """Print addresses, accounts, and a shell line for each thing to try."""
    accounts = read_accounts()
    users = ", ".join(f"{name} / {password}" for name, password in accounts.passwords.items())
    console.print(
        f"""
[bold]Sensor Flow is running[/]; live readings arrive every few seconds. Ctrl-C stops it.

  dashboard, API      {stack.api_url}
  API reference       {stack.api_url}/docs
  database            {stack.database_url}
  identity provider   {stack.issuer}
  logs and data       {stack.data_dir}

  accounts            {users}
  machine client      {CLIENT_ID} / {accounts.client_secrets[CLIENT_ID]}

[bold]To try[/] (in another terminal; the first line signs in)
"""
    )
    for line in invitation_lines(stack):
        console.print(line, markup=False)


def invitation_lines(stack: Stack) -> list[str]:
    """The shell lines that the demo prints, ready to paste; a test runs each of them."""
    secret = read_accounts().client_secrets[CLIENT_ID]
    curl = 'curl -s -w "\\n" -H "Authorization: Bearer $TOKEN"'
    extract = """python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])'"""
    reading = """{"equipmentId": "MY-SENSOR", "timestamp": "'$(date -u +%FT%TZ)'", "value": 21.5}"""
    latest = "TABLE bi.readings_1h ORDER BY time DESC LIMIT 18"
    return [
        (
            f"TOKEN=$(curl -s -u {CLIENT_ID}:{secret} -d grant_type=client_credentials "
            f"-d 'scope={SCOPES}' {stack.issuer}/token | {extract})"
        ),
        f"{curl} '{stack.api_url}/sensor-data/aggregated?interval=24h'",
        (f"{curl} -H 'Content-Type: application/json' {stack.api_url}/sensor-data -d '{reading}'"),
        f"{curl} {stack.api_url}/sensor-data/upload-csv -F file=@samples/nyc-weather-2013.csv.gz",
        f"{curl} {stack.api_url}/imports",
        f"curl -s {stack.api_url}/health/ready",
        f'psql {stack.database_url} -c "{latest}"',
    ]
