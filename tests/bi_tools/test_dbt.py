"""dbt-postgres tests the views as a BI login, and builds models in a schema that it was given."""

import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from core.database import Pool
from tests.bi_tools.conftest import HERE, Login, require_installed
from tests.bi_tools.install import program

SCHEMA = "marts"
WEEKS = """
    SELECT
        equipment_id,
        date_trunc('week', ts, 'UTC') AS week,
        avg(value) AS average,
        count(*) AS readings
    FROM readings
    GROUP BY 1, 2
"""

pytestmark = pytest.mark.usefixtures("weather")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_installed("dbt")
    return Path(shutil.copytree(HERE / "dbt_project", tmp_path_factory.mktemp("dbt") / "project"))


def dbt(project: Path, login: Login, *command: str) -> subprocess.CompletedProcess[str]:
    options = ["--project-dir", str(project), "--profiles-dir", str(project)]
    return subprocess.run(
        [str(program("dbt", "dbt")), *command, *options],
        env=os.environ
        | {
            "DBT_HOST": login.host,
            "DBT_PORT": str(login.port),
            "DBT_DATABASE": login.database,
            "DBT_USER": login.user,
            "DBT_PASSWORD": login.password,
            "DBT_SCHEMA": SCHEMA,
        },
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )


def statuses(project: Path, file: str = "run_results") -> dict[str, str]:
    """Each node that the last command ran, with its status."""
    results = json.loads((project / "target" / f"{file}.json").read_text())["results"]
    return {result["unique_id"]: result["status"] for result in results}


def test_it_tests_the_views_and_how_fresh_they_are_as_a_bi_login(
    project: Path, bi_login: Login
) -> None:
    outcome = dbt(project, bi_login, "test", "--select", "source:bi")
    assert outcome.returncode == 0, outcome.stdout
    assert len(statuses(project)) == 5
    assert set(statuses(project).values()) == {"pass"}
    outcome = dbt(project, bi_login, "source", "freshness")
    assert outcome.returncode == 0, outcome.stdout
    assert statuses(project, "sources") == {"source.sensor_flow.bi.readings": "pass"}


def test_a_bi_login_builds_nothing(project: Path, bi_login: Login) -> None:
    outcome = dbt(project, bi_login, "run")
    assert outcome.returncode != 0
    assert "read-only transaction" in outcome.stdout or "permission denied" in outcome.stdout


@pytest_asyncio.fixture
async def builder(session_pool: Pool, bi_login: Login) -> AsyncIterator[Login]:
    """The login with a schema of its own, as docs/bi/dbt.md says."""
    await session_pool.execute(f"CREATE SCHEMA {SCHEMA} AUTHORIZATION {bi_login.user}")
    await session_pool.execute(
        f"ALTER ROLE {bi_login.user} SET default_transaction_read_only = off"
    )
    yield bi_login
    await session_pool.execute(f"ALTER ROLE {bi_login.user} SET default_transaction_read_only = on")
    await session_pool.execute(f"DROP SCHEMA {SCHEMA} CASCADE")


async def test_it_builds_models_in_a_schema_of_its_own(
    project: Path, builder: Login, session_pool: Pool
) -> None:
    outcome = dbt(project, builder, "build", "--select", "weekly_averages")
    assert outcome.returncode == 0, outcome.stdout
    assert statuses(project)["model.sensor_flow.weekly_averages"] == "success"
    built = {
        (row["equipment_id"], row["week"]): row
        for row in await session_pool.fetch(f"SELECT * FROM {SCHEMA}.weekly_averages")
    }
    expected = await session_pool.fetch(WEEKS)
    assert len(built) == len(expected) > 0
    for row in expected:
        week = built[row["equipment_id"], row["week"]]
        assert week["average"] == pytest.approx(row["average"], rel=1e-12)
        assert week["readings"] == row["readings"]
