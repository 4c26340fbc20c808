"""psqlODBC, by which Excel, Power BI and Tableau connect, under pyodbc."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from core.database import Pool
from tests.bi_tools.conftest import Login, require_installed
from tests.bi_tools.install import program

READER = Path(__file__).with_name("odbc_reader.py")
DRIVERS = list(Path("/usr/lib").glob("*/odbc/psqlodbcw.so"))
needs_driver = pytest.mark.skipif(not DRIVERS, reason="apt-get install odbc-postgresql unixodbc")
pytestmark = [needs_driver, pytest.mark.usefixtures("weather")]


@pytest.fixture(scope="module")
def found(bi_login: Login) -> dict[str, Any]:
    """What the program prints. UseDeclareFetch: as many rows at a time as Fetch says."""
    require_installed("odbc")
    parts = {
        "Driver": str(DRIVERS[0]),
        "Server": bi_login.host,
        "Port": bi_login.port,
        "Database": bi_login.database,
        "Uid": bi_login.user,
        "Pwd": bi_login.password,
        "UseDeclareFetch": 1,
        "Fetch": 500,
    }
    text = ";".join(f"{name}={value}" for name, value in parts.items())
    command = [str(program("odbc", "python")), str(READER), text]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr
    answer: dict[str, Any] = json.loads(outcome.stdout)
    return answer


async def test_its_rows_and_numbers_are_the_stored_ones(
    found: dict[str, Any], session_pool: Pool
) -> None:
    stored = await session_pool.fetchrow(
        "SELECT count(*) AS rows, sum(value) AS sum, "
        "avg(value) FILTER (WHERE equipment.unit = '°F') AS average "
        "FROM readings LEFT JOIN equipment ON equipment_id = equipment.id"
    )
    assert stored is not None
    assert found["rows"] == stored["rows"]
    assert found["total"] == pytest.approx(stored["sum"], rel=1e-12)
    assert found["average"] == pytest.approx(stored["average"], rel=1e-12)
    assert found["types"] == ["float", "datetime"]


def test_it_lists_the_views_with_their_types_and_is_refused_the_tables(
    found: dict[str, Any],
) -> None:
    assert {"readings", "readings_1h", "equipment", "window_1m"} <= set(found["views"])
    assert found["columns"]["time"] == "timestamptz"
    assert found["columns"]["sample_count"] == "int8"
    assert found["refusal"] == "42501"
