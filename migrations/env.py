"""Alembic's environment. migrations/runner.py calls it with an open connection."""

from alembic import context
from sqlalchemy import Connection

from core.tables import include_name, metadata


def run(connection: Connection) -> None:
    """Run the command that Alembic was called with, over `connection`."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_name=include_name,
        compare_server_default=True,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
