from collections.abc import Iterable

from alembic import op


def execute_all(statements: Iterable[str]) -> None:
    """Run each statement as it stands: no bind parameter is looked for in frozen SQL."""
    connection = op.get_bind()
    for statement in statements:
        connection.exec_driver_sql(statement)
