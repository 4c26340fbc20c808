"""`sensorflow doctor`: says what is wrong with an installation, and the remedy."""

import asyncio
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from cli.doctor.check import Installation
    from cli.doctor.results import CheckResult

FAILED = 1

HELP = (
    "Say what is wrong with an installation, why it matters, and the remedy.\n\n"
    "Without a command everything is looked at: settings, roles and schema, versions, clock, "
    "connections, transactions, replication, background workers and jobs of TimescaleDB, rollups, "
    "chunks, columnstore, unused space, workers and queue, storage, sign-in. Nothing is changed; "
    "an object is stored and deleted again. Each line is ✓ fine, - not checked, ! to be looked at, "
    "or ✗ broken.\n\n"
    "Exits with 0 if nothing is broken, with 1 if something is, and with 2 if a setting is wrong. "
    "For programs: sensorflow doctor --json | jq '.results[] | select(.status == \"failed\")'\n\n"
    "Needs the settings of the API: SENSORFLOW_DATABASE_URL, SENSORFLOW_STORAGE_URL, "
    "SENSORFLOW_AUTH_ISSUER and SENSORFLOW_AUTH_AUDIENCE. With SENSORFLOW_MIGRATE_DATABASE_URL it "
    "sees the sessions of others too. Every finding and its remedy: docs/doctor.md."
)

doctor = typer.Typer()

TokenFile = Annotated[
    typer.FileText | None,
    typer.Option(help="An access token to check; - reads it from standard input."),
]


@doctor.callback(help=HELP, invoke_without_command=True)
def everything(
    context: typer.Context,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document, for programs.")
    ] = False,
    token_file: TokenFile = None,
) -> None:
    """Look at everything, if no command is given."""
    if context.invoked_subcommand is None:
        _check_everything(token_file.read().strip() if token_file else None, as_json=as_json)


def _check_everything(token: str | None, *, as_json: bool) -> None:
    from cli.doctor import results
    from cli.doctor.check import run_checks
    from cli.doctor.checks import CHECKS

    reports = asyncio.run(run_checks(CHECKS, _installation(token)))
    if as_json:
        typer.echo(json.dumps(results.as_json(reports), ensure_ascii=False, indent=2))
    else:
        results.print_reports(Console(highlight=False, soft_wrap=True), reports)
    if any(results.any_failed(report.results) for report in reports):
        raise typer.Exit(FAILED)


def _installation(token: str | None) -> "Installation":
    from cli.doctor.check import Installation
    from cli.owner import owner_settings
    from core.setting_errors import require_valid
    from core.settings import ApiSettings, AuthSettings, DatabaseSettings, StorageSettings

    require_valid(DatabaseSettings, StorageSettings, ApiSettings, AuthSettings)
    return Installation(
        database=DatabaseSettings(),
        owner=owner_settings(),
        storage=StorageSettings(),
        api=ApiSettings(),
        auth=AuthSettings(),
        token=token,
    )


@doctor.command("auth")
def doctor_auth(token_file: TokenFile = None) -> None:
    """Check sign-in: discovery, keys, clock, redirect URI, password grant, audience.

    Needs SENSORFLOW_AUTH_ISSUER and SENSORFLOW_AUTH_AUDIENCE. Exits with 1 if something is wrong.
    """
    from cli.doctor.auth import run_checks
    from core.setting_errors import require_valid
    from core.settings import ApiSettings, AuthSettings

    require_valid(ApiSettings, AuthSettings)
    token = token_file.read().strip() if token_file else None
    _report(asyncio.run(run_checks(ApiSettings(), AuthSettings(), token)))


@doctor.command("database")
def doctor_database() -> None:
    """Check whom the API and the worker connect as: owner or not, schema, refresh of the rollups.

    Needs SENSORFLOW_DATABASE_URL. Exits with 1 if something is wrong.
    """
    from cli.doctor.database import run_checks
    from core.setting_errors import require_valid
    from core.settings import DatabaseSettings

    require_valid(DatabaseSettings)
    _report(asyncio.run(run_checks(DatabaseSettings())))


@doctor.command("ids")
def doctor_ids() -> None:
    """List the equipment ids in the database that new readings cannot have, and why.

    Needs SENSORFLOW_DATABASE_URL. Changes nothing.
    """
    from cli.doctor.ids import check_ids
    from cli.doctor.results import print_results
    from core.settings import DatabaseSettings

    results = asyncio.run(check_ids(DatabaseSettings()))
    print_results(Console(highlight=False, soft_wrap=True), results)


def _report(results: "Iterable[CheckResult]") -> None:
    from cli.doctor.results import any_failed, print_results

    listed = list(results)
    print_results(Console(highlight=False, soft_wrap=True), listed)
    if any_failed(listed):
        raise typer.Exit(FAILED)
