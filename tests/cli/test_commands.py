import os
import subprocess
import sys

import pytest

from api.imports.options import IMPORT_OPTIONS
from core.database import REVISION


def sensorflow(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as a user runs it, with no setting but those given."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("SENSORFLOW_")}
    return subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_migrate_says_which_revision_the_database_is_at(owner_url: str) -> None:
    outcome = sensorflow("migrate", SENSORFLOW_DATABASE_URL=owner_url)
    assert outcome.returncode == 0
    assert outcome.stdout == f"The database is at revision {REVISION}.\n"


def test_migrate_takes_the_owners_url_where_there_are_two_roles(
    owner_url: str, migrated_url: str
) -> None:
    urls = {"SENSORFLOW_DATABASE_URL": migrated_url}
    assert_reported(
        sensorflow("migrate", **urls), "Set SENSORFLOW_MIGRATE_DATABASE_URL to a URL with"
    )
    urls["SENSORFLOW_MIGRATE_DATABASE_URL"] = owner_url
    assert sensorflow("migrate", **urls).returncode == 0


def assert_reported(outcome: subprocess.CompletedProcess[str], words: str) -> None:
    """One line that says so, and no traceback."""
    assert outcome.returncode == 1
    assert outcome.stderr.count("\n") == 1
    assert words in outcome.stderr


@pytest.mark.parametrize("command", ["migrate", "serve", "worker"])
def test_a_missing_setting_is_named_in_one_line(command: str) -> None:
    outcome = sensorflow(command)
    assert outcome.returncode == 2
    assert "SENSORFLOW_DATABASE_URL: Field required. Example: postgresql://" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_a_wrong_setting_is_named_without_its_value() -> None:
    outcome = sensorflow("migrate", SENSORFLOW_DATABASE_URL="hunter2")
    assert outcome.returncode == 2
    assert outcome.stderr.startswith("SENSORFLOW_DATABASE_URL: ")
    assert "hunter2" not in outcome.stderr


def test_an_absent_database_is_one_clear_line() -> None:
    outcome = sensorflow("migrate", SENSORFLOW_DATABASE_URL="postgresql://u:hunter2@127.0.0.1:1/d")
    assert outcome.returncode == 1
    assert outcome.stderr == (
        "Nothing answers at 127.0.0.1:1 (Connection refused). Start the database there, or correct "
        "host and port in SENSORFLOW_DATABASE_URL.\n"
    )
    assert "hunter2" not in outcome.stderr


@pytest.mark.parametrize(
    "command",
    ["demo", "serve", "worker", "migrate", "import", "doctor", "doctor auth", "doctor database"],
)
def test_help_names_what_the_command_needs(command: str) -> None:
    outcome = sensorflow(*command.split(), "--help", COLUMNS="200")
    assert outcome.returncode == 0
    assert "SENSORFLOW_" in outcome.stdout


def test_help_does_not_wait_for_the_framework() -> None:
    script = "import sys, cli.main; print({'litestar', 'sqlalchemy', 'polars'} & set(sys.modules))"
    outcome = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert outcome.stdout == "set()\n"


def test_import_has_an_option_for_each_option_of_an_upload() -> None:
    shown = sensorflow("import", "--help", COLUMNS="200").stdout
    for option in IMPORT_OPTIONS:
        assert f"{option.flag} " in shown
        assert option.cli_help in shown
