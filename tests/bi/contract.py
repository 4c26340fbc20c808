"""The contract of the schema bi: every column and function of it, in files beside this one.

`contract.json` is the schema as it is; `first_contract.json` has the columns of the first release,
which never move. `python -m tests.bi.contract --write` renews the former from a migrated database.
"""

import json
import os
import sys
from pathlib import Path
from typing import TypeAlias

import asyncpg
import uvloop

from core.database import Connection

HERE = Path(__file__).parent
Columns: TypeAlias = dict[str, dict[str, str]]

COLUMNS = """
    SELECT
        pg_class.relname AS view,
        attname AS name,
        format_type(atttypid, atttypmod) AS type
    FROM pg_class INNER JOIN pg_attribute ON pg_class.oid = attrelid
    WHERE relnamespace = 'bi'::regnamespace AND attnum > 0 AND NOT attisdropped
    ORDER BY pg_class.relname, attnum
"""
FUNCTIONS = """
    SELECT
        format('%s(%s)', proname, pg_get_function_arguments(oid)) AS signature,
        pg_get_function_result(oid) AS result
    FROM pg_proc WHERE pronamespace = 'bi'::regnamespace
    ORDER BY 1
"""


async def columns(connection: Connection) -> Columns:
    """The type of each column of each view, in order."""
    found: Columns = {}
    for view, name, type_name in await connection.fetch(COLUMNS):
        found.setdefault(view, {})[name] = type_name
    return found


async def functions(connection: Connection) -> dict[str, str]:
    """What each function returns, by its signature."""
    rows = await connection.fetch(FUNCTIONS)
    return {row["signature"]: row["result"] for row in rows}


def agreed(name: str = "contract") -> tuple[Columns, dict[str, str]]:
    """The views and functions of a file."""
    contract = json.loads((HERE / f"{name}.json").read_text())
    return contract["views"], contract.get("functions", {})


async def _write(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    contract = {"views": await columns(connection), "functions": await functions(connection)}
    await connection.close()
    (HERE / "contract.json").write_text(json.dumps(contract, indent=2) + "\n")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: SENSORFLOW_DATABASE_URL=... python -m tests.bi.contract --write")
    uvloop.run(_write(os.environ["SENSORFLOW_DATABASE_URL"]))
