"""Which way the files take."""

import os
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from pydantic_settings import BaseSettings

from cli.imports.errors import MisuseError
from cli.imports.identity import identity_of
from cli.imports.importer import Importer
from cli.imports.outcomes import ExitCode
from cli.imports.report import Report
from cli.imports.run import imported, run
from cli.imports.server import ServerImporter
from core.logs import silence_logs
from core.setting_errors import require
from core.settings import (
    ApiSettings,
    ClientSettings,
    DatabaseSettings,
    ReadingSettings,
    StorageSettings,
    WorkerSettings,
)

DRY_RUN_SETTINGS = (DatabaseSettings, WorkerSettings, ReadingSettings)
LOCAL_SETTINGS = (*DRY_RUN_SETTINGS, StorageSettings, ApiSettings)


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line, less the files; `options` are the fields of a form."""

    server: str | None
    options: dict[str, str]
    dry_run: bool
    as_json: bool


def take_files(files: Sequence[Path], asked: Asked) -> ExitCode:
    """Do what is asked with the files. Raises MisuseError when it cannot be meant."""
    report = Report(as_json=asked.as_json)
    if asked.dry_run:
        return _dry_run(files, asked, report)
    return run(files, _importer(asked), imported, report)


def _importer(asked: Asked) -> AbstractAsyncContextManager[Importer]:
    """Through the server that is named, else into the configured database."""
    require(ClientSettings)
    settings = ClientSettings(server_url=asked.server) if asked.server else ClientSettings()
    if settings.server_url is not None:
        return ServerImporter.open(settings.server_url, identity_of(settings), asked.options)
    _require_database(
        *LOCAL_SETTINGS,
        remedy="Nothing says where the rows go: name a server (--server URL, or "
        "SENSORFLOW_CLIENT_SERVER_URL), or a database (SENSORFLOW_DATABASE_URL).",
    )
    from cli.imports.local import LocalImporter  # noqa: PLC0415  # Polars, which a server needs not

    return LocalImporter.open(asked.options)


def _dry_run(files: Sequence[Path], asked: Asked, report: Report) -> ExitCode:
    _require_database(
        *DRY_RUN_SETTINGS,
        remedy="A dry run compares files with the database itself: set SENSORFLOW_DATABASE_URL.",
    )
    from cli.imports.dry_run import DryRun, forecast  # noqa: PLC0415  # as above

    return run(files, DryRun.open(asked.options), forecast, report)


def _require_database(*settings: type[BaseSettings], remedy: str) -> None:
    if not os.environ.get("SENSORFLOW_DATABASE_URL"):
        raise MisuseError(remedy)
    require(*settings)
    silence_logs()
