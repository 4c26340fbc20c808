"""The SQL of sql/, read once: named queries for aiosql, definitions as one script."""

from functools import cache
from pathlib import Path
from typing import Any

import aiosql

SQL = Path(__file__).parent.parent / "sql"


@cache
def queries() -> Any:  # aiosql builds the methods at run time, so no type can name them
    """Every named query of sql/queries, as methods `name(connection, **parameters)`."""
    return aiosql.from_path(SQL / "queries", "asyncpg")


def definitions() -> str:
    """The re-runnable definitions, in the order of their file names, as one script."""
    return "\n".join(path.read_text() for path in sorted((SQL / "definitions").glob("*.sql")))
