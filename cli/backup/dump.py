"""Write the whole database to one file, as of one moment, while everything goes on."""

from collections.abc import Callable
from pathlib import Path

from cli.backup.archive import Archive, read_archive
from cli.backup.errors import BackupError
from cli.backup.programs import run_on_database
from core.database import database_errors, open_connection
from core.queries import queries
from core.settings import DatabaseSettings

# pg_dump warns that TimescaleDB's catalog has circular foreign keys; a full dump restores them.
OPTIONS = ("--format=custom", "--verbose")


async def write_backup(
    database: DatabaseSettings, path: Path, on_line: Callable[[str], None]
) -> Archive:
    """The new backup, read back; `path` appears only when it is whole. Raises BackupError.

    pg_dump reads in one snapshot and holds up no reading. Chunks that are to be compressed or
    dropped wait until it has ended.
    """
    await _require_schema(database)
    partial = partial_path(path)
    try:
        file = f"--file={partial}"
        run_on_database("pg_dump", database.url.get_secret_value(), (*OPTIONS, file), on_line)
        archive = read_archive(partial)
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)
    return archive


def partial_path(path: Path) -> Path:
    """Where a backup is written before it is whole. Raises BackupError if `path` is taken."""
    if path.exists():
        raise BackupError(f"{path} exists already: give the backup another name.")
    if not path.absolute().parent.is_dir():
        raise BackupError(f"There is no folder {path.absolute().parent}: create it.")
    return path.with_name(f".{path.name}.partial")


async def _require_schema(database: DatabaseSettings) -> None:
    with database_errors():
        async with open_connection(database) as connection:
            if not (await queries().backup_target(connection))["has_schema"]:
                raise BackupError(
                    "The database has no schema of Sensor Flow. Check the name of the database "
                    "in SENSORFLOW_MIGRATE_DATABASE_URL or SENSORFLOW_DATABASE_URL."
                )
