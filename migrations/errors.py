"""What a database refuses its migration, told with the remedy."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from sqlalchemy.exc import DBAPIError

from core.errors import SensorFlowError

INSUFFICIENT_PRIVILEGE_STATE = "42501"
LOCK_NOT_AVAILABLE_STATE = "55P03"
# duplicate_object, duplicate_table, unique_violation: another migration has just created the same.
EXISTS_ALREADY_STATES = ("42710", "42P07", "23505")


class MigrationRefusedError(SensorFlowError):
    """The role that migrates lacks a privilege; nothing was changed."""

    code = "migration_refused"


class MigrationBlockedError(SensorFlowError):
    """Other sessions hold what the migration changes; nothing was changed."""

    code = "migration_blocked"


def sqlstate(error: Exception) -> str:
    """The SQLSTATE of an error of SQLAlchemy or asyncpg."""
    return str(getattr(getattr(error, "orig", error), "sqlstate", None) or "")


@contextmanager
def migration_errors() -> Iterator[None]:
    """Raise MigrationRefusedError where the role lacks a privilege."""
    try:
        yield
    except (asyncpg.InsufficientPrivilegeError, DBAPIError) as error:
        if sqlstate(error) != INSUFFICIENT_PRIVILEGE_STATE:
            raise
        raise MigrationRefusedError(
            f"The database does not let this role migrate it: {reason(error)}. Migrate as the "
            "owner of the database; SENSORFLOW_MIGRATE_DATABASE_URL names it where "
            "SENSORFLOW_DATABASE_URL names another role."
        ) from error


def reason(error: Exception) -> str:
    """The server's own words, without its hints and the names of Python classes."""
    driver_error = getattr(error, "orig", error)
    return str(driver_error.__cause__ or driver_error).partition("\n")[0]
