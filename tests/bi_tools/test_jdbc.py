"""pgJDBC, by which Tableau, DBeaver, Metabase and most Java tools connect."""

import os
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from core.database import Pool
from tests.bi_tools.conftest import Login

HERE = Path(__file__).parent
DRIVER = Path("/usr/share/java/postgresql.jar")
needs_java = pytest.mark.skipif(
    shutil.which("javac") is None or not DRIVER.is_file(),
    reason="apt-get install default-jdk-headless libpostgresql-jdbc-java",
)
pytestmark = [needs_java, pytest.mark.usefixtures("weather")]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("java")
    subprocess.run(["javac", "-d", folder, HERE / "JdbcReader.java"], check=True)
    return folder


def printed(compiled: Path, login: Login, zone: str) -> dict[str, list[str]]:
    """What the program prints, by the first word, in a zone of its own."""
    url = f"jdbc:postgresql://{login.host}:{login.port}/{login.database}"
    command = [
        "java",
        f"-Duser.timezone={zone}",
        "-cp",
        os.pathsep.join([str(compiled), str(DRIVER)]),
    ]
    outcome = subprocess.run(
        [*command, "JdbcReader", url, login.user, login.password],
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    facts: dict[str, list[str]] = {}
    for line in outcome.stdout.splitlines():
        kind, _, fact = line.partition(" ")
        facts.setdefault(kind, []).append(fact)
    return facts


@pytest.mark.parametrize("zone", ["UTC", "America/Sao_Paulo", "Asia/Kathmandu"])
async def test_a_java_tool_reads_the_views_in_any_zone(
    compiled: Path, bi_login: Login, session_pool: Pool, zone: str
) -> None:
    facts = printed(compiled, bi_login, zone)
    stored = await session_pool.fetchrow(
        "SELECT count(*) AS rows, sum(value) AS sum, max(ts) AS latest FROM readings"
    )
    assert stored is not None
    rows, total = facts["fetched"][0].split()
    assert int(rows) == stored["rows"]
    assert float(total) == pytest.approx(stored["sum"], rel=1e-12)
    assert {datetime.fromisoformat(text) for text in facts["latest"][0].split()} == {
        stored["latest"]
    }


def test_its_metadata_shows_the_schema_bi_with_comments_and_nothing_of_ours_beside_it(
    compiled: Path, bi_login: Login
) -> None:
    facts = printed(compiled, bi_login, "UTC")
    names = [table.split()[0] for table in facts["table"]]
    assert {"bi.readings", "bi.readings_1h", "bi.equipment", "bi.window_1m"} <= set(names)
    assert not [name for name in names if name.startswith(("public.", "queue."))]
    assert "public" not in facts["schema"]
    assert all(fact.endswith("true") for fact in facts["table"] if fact.startswith("bi."))
    assert facts["column"][:2] == ["time timestamptz true", "equipment_id text true"]
    assert all(fact.endswith("true") for fact in facts["column"])
    assert facts["refused"] == ["42501"]
