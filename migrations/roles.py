"""The roles that sql/definitions grants to. They belong to the server, so databases share them.

Where the migrating role may create roles they are created here; where it may not, the error tells
an administrator what to run.
"""

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from migrations.errors import (
    EXISTS_ALREADY_STATES,
    INSUFFICIENT_PRIVILEGE_STATE,
    MigrationRefusedError,
    sqlstate,
)

# TimescaleDB executes the policies of a rollup as its owner and demands LOGIN of that; with a limit
# of 0 connections nobody can log in as it all the same. NOINHERIT: the application has the owner's
# privileges only after SET ROLE.
ROLES = {
    "sensorflow_bi": "NOLOGIN",
    "sensorflow_app": "NOLOGIN NOINHERIT",
    "sensorflow_rollups": "LOGIN CONNECTION LIMIT 0",
}

MISSING_STATEMENTS = """
    SELECT format('CREATE ROLE %I %s', name, attributes)
    FROM unnest(cast(:names AS text []), cast(:attributes AS text [])) AS role (name, attributes)
    WHERE to_regrole(name) IS NULL
    UNION ALL
    SELECT 'GRANT sensorflow_rollups TO sensorflow_app'
    WHERE NOT EXISTS (
        SELECT FROM pg_auth_members
        WHERE
            roleid = to_regrole('sensorflow_rollups')
            AND member = to_regrole('sensorflow_app')
    )
    UNION ALL
    SELECT format('GRANT sensorflow_rollups TO %I', current_user)
    WHERE pg_has_role(to_regrole('sensorflow_rollups'), 'USAGE') IS NOT true
"""


async def require_roles(connection: AsyncConnection) -> None:
    """Create the missing roles and memberships.

    Raises MigrationRefusedError with the statements to run where that is not allowed.
    """
    parameters = {"names": list(ROLES), "attributes": list(ROLES.values())}
    statements = list(await connection.scalars(text(MISSING_STATEMENTS), parameters))
    for statement in statements:
        try:
            async with connection.begin_nested():
                await connection.execute(text(statement))
        except DBAPIError as error:
            if sqlstate(error) == INSUFFICIENT_PRIVILEGE_STATE:
                raise MigrationRefusedError(_remedy(statements)) from error
            if sqlstate(error) not in EXISTS_ALREADY_STATES:
                raise


def _remedy(statements: list[str]) -> str:
    return (
        "The database lacks roles, and this role may not create them. Let an administrator of the "
        f"server run: {'; '.join(statements)}; then run sensorflow migrate again."
    )
