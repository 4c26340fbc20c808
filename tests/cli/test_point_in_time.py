"""Back to a moment before an accident, with pgBackRest as docs/backup.md has it.

SENSORFLOW_TEST_FAULT_POSTGRES names the folder of PostgreSQL's programs, with
TimescaleDB; only root can run it.
"""

import configparser
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from migrations.runner import upgrade
from tests.cli.drills import FILL, POLICIES, SUMS, import_and_refresh, value
from tests.faults.databases import POSTGRES_VARIABLE, Cluster, chosen_database
from tests.support.logins import execute, login

CONFIGURATION = Path("deploy/pgbackrest/pgbackrest.conf")
SETTINGS = Path("deploy/pgbackrest/postgresql.conf")
STANZA = "--stanza=sensorflow"
AFTER_THE_BACKUP = """
    INSERT INTO readings (equipment_id, ts, value) VALUES ('later', '2026-01-10Z', 8)
"""
UNTIL_PROMOTED = """
    DO $$ BEGIN WHILE pg_is_in_recovery() LOOP PERFORM pg_sleep(0.1); END LOOP; END $$
"""


class Backups:
    """pgBackRest over a cluster, configured as in deploy/ with folders of the test's own."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._file = cluster.disk / "pgbackrest.conf"
        parsed = configparser.ConfigParser()
        parsed.read(CONFIGURATION)
        for folder in ("repo1-path", "lock-path", "log-path", "spool-path"):
            parsed["global"][folder] = str(cluster.disk / folder)
        parsed["sensorflow"]["pg1-path"] = str(cluster.data)
        parsed["sensorflow"]["pg1-port"] = str(urlsplit(cluster.url).port)
        parsed["sensorflow"]["pg1-socket-path"] = str(cluster.disk)
        with self._file.open("w") as file:
            parsed.write(file, space_around_delimiters=False)

    async def archive(self) -> None:
        """Have the cluster archive its log from now on."""
        await execute(
            self._cluster.url,
            f"ALTER SYSTEM SET unix_socket_directories = '{self._cluster.disk}'",
            *statements(f"pgbackrest --config={self._file}"),
        )
        self._cluster.restart_immediately()
        self.run("stanza-create")

    def run(self, *arguments: str) -> None:
        subprocess.run(
            ["pgbackrest", f"--config={self._file}", STANZA, *arguments],
            user="postgres",
            cwd=self._cluster.disk,
            check=True,
        )


def statements(command: str) -> list[str]:
    """What sets the settings of deploy/, with the test's own command to archive."""
    lines = [line for line in SETTINGS.read_text().splitlines() if not line.startswith("#")]
    return [f"ALTER SYSTEM SET {line.replace('pgbackrest', command, 1)}" for line in lines]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    if POSTGRES_VARIABLE not in os.environ:
        pytest.skip(f"{POSTGRES_VARIABLE} does not name the folder of PostgreSQL's programs")
    if not shutil.which("pgbackrest"):
        pytest.skip("needs pgbackrest: on Debian the package of that name")
    with chosen_database(tmp_path) as database:
        assert isinstance(database, Cluster)
        yield database


async def test_the_database_goes_back_to_the_moment_before_an_accident(
    cluster: Cluster, tmp_path: Path
) -> None:
    backups = Backups(cluster)
    await backups.archive()
    await upgrade(cluster.url)
    await execute(cluster.url, *FILL)
    backups.run("backup", "--type=full")
    await execute(cluster.url, AFTER_THE_BACKUP)
    before = [await value(cluster.url, query) for query in (SUMS, POLICIES)]
    moment = (await value(cluster.url, "SELECT clock_timestamp()::text"))[0]
    await execute(cluster.url, "TRUNCATE readings", "SELECT pg_switch_wal()")
    cluster.stop()
    backups.run(
        "restore", "--delta", "--type=time", f"--target={moment}", "--target-action=promote"
    )
    cluster.start()
    await execute(cluster.url, UNTIL_PROMOTED)
    assert [await value(cluster.url, query) for query in (SUMS, POLICIES)] == before
    async with login(cluster.url, "sensorflow_app") as service:
        await import_and_refresh(service, tmp_path)
