"""The `sensorflow` command: parses arguments, calls the package that does the work, prints errors.

Each command imports that package when it runs, so that `--help` responds at once.
"""

import asyncio
import sys
from datetime import datetime
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from cli.backup.command import backup, restore
from cli.bi_users.command import bi_user
from cli.doctor.command import doctor
from cli.imports.command import HELP, import_files
from core import settings
from core.errors import SensorFlowError, SettingError
from core.setting_errors import validation_error
from embedded.errors import EmbeddedError

FAILED = 1
MISCONFIGURED = 2

app = typer.Typer(
    help="Self-hosted time-series analytics on TimescaleDB.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(doctor, name="doctor")
app.add_typer(bi_user, name="bi-user", no_args_is_help=True)
app.command("import", help=HELP)(import_files)
app.command()(backup)
app.command()(restore)


@app.command()
def demo() -> None:
    """Start everything on this machine without Docker, load the sample data, print what to try.

    Runs until Ctrl-C. Ports: SENSORFLOW_API_PORT (8000), SENSORFLOW_DATABASE_PORT (5433),
    SENSORFLOW_IDP_PORT (8081). The data stays in SENSORFLOW_DATA_DIR (./data) for the next run.
    """
    from cli.demo.run import run_demo

    run_demo()


@app.command()
def serve(
    fd: Annotated[
        int | None, typer.Option(help="An inherited listening socket.", hidden=True)
    ] = None,
) -> None:
    """Serve the HTTP API.

    Needs SENSORFLOW_DATABASE_URL, SENSORFLOW_AUTH_ISSUER, SENSORFLOW_AUTH_AUDIENCE and
    SENSORFLOW_STORAGE_URL.
    """
    from cli.serve import serve_api

    serve_api(fd)


@app.command()
def worker() -> None:
    """Run imports and keep the rollups up to date.

    Needs SENSORFLOW_DATABASE_URL and SENSORFLOW_STORAGE_URL. Start as many as you like.
    """
    from cli.worker import run_until_stopped

    run_until_stopped()


@app.command()
def migrate() -> None:
    """Bring the database to the schema of this release; harmless when it is there already.

    Needs SENSORFLOW_MIGRATE_DATABASE_URL, or SENSORFLOW_DATABASE_URL where one role does all.
    Reports equipment ids that are stored otherwise by now.
    """
    from cli.doctor.ids import check_ids_after_migration
    from cli.doctor.results import print_results
    from cli.owner import owner_settings
    from core.database import REVISION
    from migrations.runner import upgrade

    settings = owner_settings()
    asyncio.run(upgrade(settings.url.get_secret_value()))
    Console().print(f"The database is at revision {REVISION}.")
    print_results(
        Console(stderr=True, highlight=False, soft_wrap=True),
        asyncio.run(check_ids_after_migration(settings)),
    )


@app.command("audit")
def audit_rollups(
    start: Annotated[datetime, typer.Option("--from", help="First day or moment, UTC.")],
    end: Annotated[datetime, typer.Option("--to", help="Day or moment after the range, UTC.")],
) -> None:
    """Compare the rollups of a range with its readings; what differs is refreshed by the worker.

    Needs SENSORFLOW_DATABASE_URL. Exits with 1 if something is wrong.
    """
    from cli.audit import run_audit

    if not run_audit(start, end):
        raise typer.Exit(FAILED)


def run() -> None:
    """The entry point: a known error is one clear line and an exit code, never a traceback."""
    try:
        app()
    except ValidationError as error:
        _print_errors(str(validation_error(getattr(settings, error.title), error)))
        sys.exit(MISCONFIGURED)
    except SettingError as error:
        _print_errors(str(error))
        sys.exit(MISCONFIGURED)
    except (SensorFlowError, EmbeddedError) as error:
        _print_errors(str(error))
        sys.exit(FAILED)


def _print_errors(lines: str) -> None:
    Console(stderr=True, highlight=False).print(lines, markup=False, soft_wrap=True)
