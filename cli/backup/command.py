"""`sensorflow backup` and `sensorflow restore`."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

File = Annotated[Path, typer.Argument(help="The file, such as sensorflow-2026-11-28.dump.")]
# Of each entry of the archive pg_restore says one of these when it begins with it.
ENTRY_BEGINS = (": creating ", ": processing data for ", ": executing ")


def backup(file: File) -> None:
    """Write the whole database to one file, as of one moment, while everything goes on.

    Needs PostgreSQL's pg_dump, and SENSORFLOW_MIGRATE_DATABASE_URL, or SENSORFLOW_DATABASE_URL
    where one role does all. The files of imports are in SENSORFLOW_STORAGE_URL, and not in it.
    """
    from cli.backup.dump import write_backup
    from cli.owner import owner_settings

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    with console.status("Reading the schema") as status:

        def show(line: str) -> None:
            status.update(line.strip().removeprefix("pg_dump: "))

        archive = asyncio.run(write_backup(owner_settings(), file, show))
    megabytes = file.stat().st_size / 2**20
    console.print(
        f"{file}: {megabytes:,.1f} MB, revision {archive.revision}, TimescaleDB "
        f"{archive.timescaledb_version}. Restore it with: sensorflow restore {file}",
        markup=False,
    )


def restore(file: File) -> None:
    """Bring a backup into an empty database.

    Needs PostgreSQL's pg_restore, and in SENSORFLOW_MIGRATE_DATABASE_URL a superuser and the
    name of a database that was just created (createdb sensorflow). Start the API and the worker
    after it.
    """
    from cli.backup.archive import read_archive
    from cli.backup.restore import restore_backup
    from cli.owner import owner_settings
    from core.database import REVISION

    archive = read_archive(file)
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("Restoring", total=archive.entries)

        def show(line: str) -> None:
            progress.advance(task, any(begin in line for begin in ENTRY_BEGINS))

        asyncio.run(restore_backup(owner_settings(), archive, show))
    console.print(f"Restored {file}: the database is at revision {archive.revision}.")
    if archive.revision != REVISION:
        console.print(f"This release needs revision {REVISION}: run sensorflow migrate.")
