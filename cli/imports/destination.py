"""Where the files go: to a server, into the database, or through a dry run or a detection."""

import os
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from pydantic_settings import BaseSettings

from cli.imports.client_auth import client_auth
from cli.imports.errors import UsageError
from cli.imports.importer import Importer
from cli.imports.outcomes import ExitCode
from cli.imports.report import Report
from cli.imports.runner import import_and_save_rejects, run_files
from cli.imports.server_importer import ServerImporter
from core.logs import silence_logs
from core.setting_errors import require_valid
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
class Arguments:
    """The command line without the files; `options` are the fields of an upload form."""

    server: str | None
    options: dict[str, str]
    dry_run: bool
    detect: bool
    as_json: bool


def process_files(files: Sequence[Path], arguments: Arguments) -> ExitCode:
    """Import the files, run them dry or find options for them.

    Raises UsageError when two of these are asked for, or no destination is configured.
    """
    if arguments.detect and arguments.dry_run:
        raise UsageError("Both --detect and --dry-run store nothing: give one of the two.")
    report = Report(as_json=arguments.as_json)
    if arguments.detect:
        return _detect(files, arguments, report)
    if arguments.dry_run:
        return _dry_run(files, arguments, report)
    return run_files(files, _importer(arguments), import_and_save_rejects, report)


def _importer(arguments: Arguments) -> AbstractAsyncContextManager[Importer]:
    """Through the named server, else into the configured database."""
    require_valid(ClientSettings)
    settings = ClientSettings(server_url=arguments.server) if arguments.server else ClientSettings()
    if settings.server_url is not None:
        return ServerImporter.open(settings.server_url, client_auth(settings), arguments.options)
    _require_database(
        *LOCAL_SETTINGS,
        remedy="Nothing says where the rows go: name a server (--server URL, or "
        "SENSORFLOW_CLIENT_SERVER_URL), or a database (SENSORFLOW_DATABASE_URL).",
    )
    # Imported only here, since it loads Polars, which imports through a server do not need.
    from cli.imports.local_importer import LocalImporter  # noqa: PLC0415  # as said

    return LocalImporter.open(arguments.options)


def _dry_run(files: Sequence[Path], arguments: Arguments, report: Report) -> ExitCode:
    _require_database(
        *DRY_RUN_SETTINGS,
        remedy="A dry run compares files with the database itself: set SENSORFLOW_DATABASE_URL.",
    )
    from cli.imports.dry_run import DryRun, dry_run_file  # noqa: PLC0415  # as above

    return run_files(files, DryRun.open(arguments.options), dry_run_file, report)


def _detect(files: Sequence[Path], arguments: Arguments, report: Report) -> ExitCode:
    from cli.imports.detection import detect_files  # noqa: PLC0415  # as above

    return detect_files(files, arguments.options, report)


def _require_database(*settings: type[BaseSettings], remedy: str) -> None:
    if not os.environ.get("SENSORFLOW_DATABASE_URL"):
        raise UsageError(remedy)
    require_valid(*settings)
    silence_logs()
