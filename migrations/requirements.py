"""What the server must have before the first migration, each lack with its remedy."""

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import UnsupportedDatabaseError
from migrations.errors import (
    INSUFFICIENT_PRIVILEGE_STATE,
    MigrationRefusedError,
    reason,
    sqlstate,
)

MINIMUM_VERSION = (2, 22)  # CALL add_columnstore_policy and segment-wise refresh

AVAILABLE = "SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'"
VERSION = "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'"
LICENSE = "SELECT current_setting('timescaledb.license', true)"
FOREIGN_OWNER = """
    SELECT pg_get_userbyid(relowner) AS owner, current_user AS migrator FROM pg_class
    WHERE
        relname = 'readings'
        AND relnamespace = to_regnamespace('public') -- to_regclass demands USAGE of it
        AND NOT pg_has_role(relowner, 'USAGE')
"""

COMMUNITY_REMEDY = (
    "Use the Community edition: the image timescale/timescaledb without an -oss tag, or the "
    "vendor's own packages; a distribution's package does not have these features."
)


async def require_owner(connection: AsyncConnection) -> None:
    """Raise MigrationRefusedError if the tables are there and belong to another role."""
    found = (await connection.execute(text(FOREIGN_OWNER))).one_or_none()
    if found is not None:
        raise MigrationRefusedError(
            f"The tables belong to the role {found.owner}, and {found.migrator} may not migrate "
            f"them. Set SENSORFLOW_MIGRATE_DATABASE_URL to a URL with the user {found.owner}."
        )


async def require_timescaledb(connection: AsyncConnection) -> None:
    """Create the extension if needed; raise UnsupportedDatabaseError naming what is missing."""
    if await connection.scalar(text(AVAILABLE)) is None:
        raise UnsupportedDatabaseError(
            f"This PostgreSQL server has no TimescaleDB. {COMMUNITY_REMEDY}"
        )
    await _create_extension(connection)
    check_version(str(await connection.scalar(text(VERSION))))
    check_license(await connection.scalar(text(LICENSE)))


def check_version(version: str) -> None:
    """Raise UnsupportedDatabaseError when `version` ("2.28.3", "2.23.0-dev") is too old."""
    major, minor = (int(part) for part in version.split(".")[:2])
    if (major, minor) < MINIMUM_VERSION:
        wanted = ".".join(map(str, MINIMUM_VERSION))
        raise UnsupportedDatabaseError(
            f"TimescaleDB {version} is too old: {wanted} or newer is needed. Upgrade the server, "
            "then run ALTER EXTENSION timescaledb UPDATE in this database."
        )


def check_license(edition: str | None) -> None:
    """Raise UnsupportedDatabaseError when the server runs without its Community features."""
    if edition != "timescale":
        raise UnsupportedDatabaseError(
            "TimescaleDB runs without its Community features (timescaledb.license is "
            f"{edition!r}), and continuous aggregates, columnstore and policies need them. "
            + COMMUNITY_REMEDY
        )


async def _create_extension(connection: AsyncConnection) -> None:
    try:
        await connection.execute(text("CREATE EXTENSION IF NOT EXISTS timescaledb"))
    except DBAPIError as error:
        preload = "Add timescaledb to shared_preload_libraries and restart the server, or let"
        raise UnsupportedDatabaseError(
            f"TimescaleDB is installed but cannot be enabled: {reason(error)}. "
            f"{'Let' if sqlstate(error) == INSUFFICIENT_PRIVILEGE_STATE else preload} a superuser "
            "run CREATE EXTENSION timescaledb in this database."
        ) from error
