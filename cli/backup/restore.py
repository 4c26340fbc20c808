"""Bring a backup back into an empty database.

TimescaleDB's catalog is restored between timescaledb_pre_restore() and timescaledb_post_restore():
https://docs.timescale.com/self-hosted/latest/backup-and-restore/logical-backup/
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from cli.backup.archive import Archive
from cli.backup.errors import BackupError
from cli.backup.programs import run_on_database
from core.database import Connection, control_engine, database_errors, open_connection
from core.queries import all_rows, queries
from core.settings import DatabaseSettings
from migrations.roles import require_roles


async def restore_backup(
    database: DatabaseSettings, archive: Archive, on_line: Callable[[str], None]
) -> None:
    """Bring it into the database, which must be empty; background jobs then go on.

    Raises BackupError before anything is changed where the server lacks what the backup needs.
    Where pg_restore fails the database is half restored, and the error says so.
    """
    url = database.url.get_secret_value()
    with database_errors():
        async with open_connection(database) as connection:
            await _require_empty(connection)
            await _require_version(connection, archive)
            await _create_roles(url)
            await _require_owners(connection, archive)
            async with _restoring(connection, archive):
                _restore(url, archive, on_line)


def _restore(url: str, archive: Archive, on_line: Callable[[str], None]) -> None:
    # No --jobs: parallel restores do not order TimescaleDB's catalog.
    options = ("--exit-on-error", "--verbose", str(archive.path))
    try:
        run_on_database("pg_restore", url, options, on_line)
    except BackupError as error:
        raise BackupError(
            f"{error.message} The database is half restored: drop it, create it, and restore again."
        ) from error


async def _require_empty(connection: Connection) -> None:
    target = await queries().backup_target(connection)
    if not target["is_superuser"]:
        raise BackupError("Only a superuser can restore: give SENSORFLOW_MIGRATE_DATABASE_URL one.")
    if not target["is_empty"]:
        raise BackupError(
            "The database is not empty. Create one (createdb sensorflow) and name it in "
            "SENSORFLOW_MIGRATE_DATABASE_URL."
        )


async def _require_version(connection: Connection, archive: Archive) -> None:
    """TimescaleDB's catalog fits only the version it was dumped with."""
    version = archive.timescaledb_version
    extension = await queries().timescaledb_for_restore(connection, version=version)
    if extension["installed"] not in {None, version} or not extension["is_available"]:
        raise BackupError(
            f"The backup was made with TimescaleDB {version}, this server has "
            f"{extension['installed'] or extension['default_version'] or 'none'}. Restore to a "
            "server that has the version of the backup, then ALTER EXTENSION timescaledb UPDATE."
        )


async def _create_roles(url: str) -> None:
    engine = control_engine(url)
    try:
        async with engine.begin() as connection:
            await require_roles(connection)
    finally:
        await engine.dispose()


async def _require_owners(connection: Connection, archive: Archive) -> None:
    missing = await all_rows(queries().missing_roles, connection, names=archive.owners)
    if missing:
        statements = " ".join(f"{row['statement']};" for row in missing)
        raise BackupError(
            f"The backup has tables of roles that this server lacks. Create them: {statements}"
        )


@asynccontextmanager
async def _restoring(connection: Connection, archive: Archive) -> AsyncIterator[None]:
    version = archive.timescaledb_version
    await connection.execute(f'CREATE EXTENSION IF NOT EXISTS timescaledb VERSION "{version}"')
    await queries().begin_restore(connection)
    try:
        yield
    finally:
        await queries().end_restore(connection)
