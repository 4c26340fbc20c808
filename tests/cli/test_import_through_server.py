"""`sensorflow import` to a running server: real processes, real files."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from rich.console import Console

from cli.demo.client import CLIENT_ID
from cli.demo.stack import DatabaseUrls, Stack, running_platform
from core.database import Pool
from core.listening import ListenAddress
from core.settings import ApiSettings
from embedded.identity import read_accounts
from tests.cli.test_commands import sensorflow
from tests.conftest import empty_database
from tests.jobs.support import HEADER, sample_lines

GOOD = f"{HEADER}a,2024-01-01T00:00:00Z,1\nb,2024-01-01T01:00:00Z,2\n"
BAD = f"{HEADER}a,2024-01-01T00:00:00Z,1\nb,yesterday,2\n"
AWAY = "http://127.0.0.1:1"


@pytest_asyncio.fixture(scope="module")
async def clean_urls(owner_url: str, migrated_url: str, session_pool: Pool) -> DatabaseUrls:
    """The database, without imports of other tests that the worker would take."""
    await empty_database(session_pool)
    return DatabaseUrls(owner_url, migrated_url)


@pytest.fixture(scope="module")
def stack(clean_urls: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A provider, a server and a worker, each a process."""
    folder = tmp_path_factory.mktemp("platform")
    (folder / "logs").mkdir()
    api = ListenAddress("127.0.0.1", 0, ApiSettings).listen()
    with running_platform(Console(quiet=True), clean_urls, folder, api=api, idp_port=0) as stack:
        yield stack


@pytest.fixture
def settings(stack: Stack, pool: Pool) -> dict[str, str]:
    """Those of a machine that imports, over an empty database."""
    del pool
    return {
        "SENSORFLOW_CLIENT_SERVER_URL": stack.api_url,
        "SENSORFLOW_CLIENT_ISSUER": stack.issuer,
        "SENSORFLOW_CLIENT_ID": CLIENT_ID,
        "SENSORFLOW_CLIENT_SECRET": read_accounts().client_secrets[CLIENT_ID],
    }


def write_file(folder: Path, name: str, content: str) -> str:
    path = folder / name
    path.write_text(content)
    return str(path)


def outcomes_in_json(outcome: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in outcome.stdout.splitlines()]


def test_rows_that_a_spreadsheet_has_changed_are_warned_of(
    settings: dict[str, str], tmp_path: Path
) -> None:
    rows = "1.23457E+11,2024-01-01T00:00:00Z,1\n" * 7
    file = write_file(tmp_path, "excel.csv", HEADER + rows)
    outcome = sensorflow("import", file, **settings)
    assert outcome.returncode == 0, outcome.stderr
    assert "  warning scientific_id: 7 rows (lines 2, 3, 4, 5, 6, ...). Ids look" in outcome.stdout
    (reported,) = outcomes_in_json(sensorflow("import", "--json", file, **settings))
    (warning,) = reported["import"]["warnings"]
    assert warning.pop("message").startswith("Ids look like a spreadsheet's scientific notation")
    assert warning == {"code": "scientific_id", "count": 7, "lines": [2, 3, 4, 5, 6]}


def test_a_file_is_imported_and_its_rows_are_counted(
    settings: dict[str, str], tmp_path: Path
) -> None:
    file = write_file(tmp_path, "weather.csv", sample_lines(5000))
    outcome = sensorflow("import", file, **settings)
    assert outcome.returncode == 0, outcome.stderr
    counts = "5,000 rows: 5,000 inserted, 0 replaced, 0 unchanged, 0 rejected"
    assert outcome.stdout.startswith(f"✓ {file}\n  {counts}\n  from 2013-01-01 06:00:00 to 2013-")
    assert f"To {settings['SENSORFLOW_CLIENT_SERVER_URL']}\nweather.csv: sending" in outcome.stderr
    assert settings["SENSORFLOW_CLIENT_SECRET"] not in outcome.stdout + outcome.stderr


def test_several_files_are_all_reported_and_the_highest_exit_code_counts(
    settings: dict[str, str], tmp_path: Path
) -> None:
    files = [
        write_file(tmp_path, name, content)
        for name, content in {
            "good.csv": GOOD,
            "bad.csv": BAD,
            "headless.csv": "a,b\n",
            "empty.csv": "",
            "sheet.ods": "x",
        }.items()
    ]
    outcome = sensorflow("import", "--json", *files, **settings)
    assert outcome.returncode == 3
    reported = outcomes_in_json(outcome)
    assert [line["file"] for line in reported] == files
    assert [line["exitCode"] for line in reported] == [0, 1, 3, 3, 3]
    codes = [line["error"] and line["error"]["code"] for line in reported]
    assert codes == [None, None, "missing_header", "empty_file", "not_csv"]
    assert reported[0]["import"]["counts"]["inserted"] == 2
    assert reported[1]["rejectsFile"] == f"{files[1]}.rejects.csv"


def test_rejected_rows_are_saved_beside_the_file_and_the_same_ones_only_once(
    settings: dict[str, str], tmp_path: Path
) -> None:
    file = write_file(tmp_path, "bad.csv", BAD)
    for _ in range(2):
        outcome = sensorflow("import", file, **settings)
        assert outcome.returncode == 1
        assert f"rejected rows are in {file}.rejects.csv" in outcome.stdout
    assert Path(f"{file}.rejects.csv").read_text() == (
        'line,code,column,row\n3,"bad_timestamp","timestamp","b,yesterday,2"\n'
    )
    assert len(list(tmp_path.iterdir())) == 2


def test_a_token_from_the_environment_is_enough(settings: dict[str, str], tmp_path: Path) -> None:
    refused = sensorflow(
        "import",
        write_file(tmp_path, "good.csv", GOOD),
        SENSORFLOW_CLIENT_SERVER_URL=settings["SENSORFLOW_CLIENT_SERVER_URL"],
        SENSORFLOW_CLIENT_TOKEN="not-a-token",
    )
    assert refused.returncode == 4
    assert "access_refused: The server refuses the token" in refused.stdout


@pytest.mark.parametrize(
    ("changed", "exit_code", "message"),
    [
        ({"SERVER_URL": AWAY}, 4, f"server_unreachable: {AWAY} does not answer"),
        ({"ISSUER": AWAY}, 4, f"access_refused: No token from {AWAY}"),
        ({"SECRET": "wrong"}, 4, "Check SENSORFLOW_CLIENT_ISSUER"),
        ({"SERVER_URL": "nonsense"}, 2, "SENSORFLOW_CLIENT_SERVER_URL: is not a URL"),
        ({"SECRET": ""}, 2, "SENSORFLOW_CLIENT_TOKEN"),
    ],
)
def test_a_configuration_error_is_reported_with_its_remedy(
    settings: dict[str, str], tmp_path: Path, changed: dict[str, str], exit_code: int, message: str
) -> None:
    wrong = {f"SENSORFLOW_CLIENT_{name}": value for name, value in changed.items()}
    file = write_file(tmp_path, "good.csv", GOOD)
    outcome = sensorflow("import", file, COLUMNS="300", **(settings | wrong))
    assert outcome.returncode == exit_code
    assert message in outcome.stdout + outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_without_a_destination_both_ways_to_name_one_are_reported(tmp_path: Path) -> None:
    outcome = sensorflow("import", write_file(tmp_path, "good.csv", GOOD))
    assert outcome.returncode == 2
    assert "--server URL" in outcome.stderr
    assert "SENSORFLOW_CLIENT_SERVER_URL" in outcome.stderr


@pytest.mark.parametrize("name", ["missing.csv", "."])
async def test_a_name_that_is_no_file_stops_the_command_before_anything_is_sent(
    settings: dict[str, str], pool: Pool, tmp_path: Path, name: str
) -> None:
    files = write_file(tmp_path, "good.csv", GOOD), str(tmp_path / name)
    outcome = await asyncio.to_thread(sensorflow, "import", *files, **settings)
    assert outcome.returncode == 2
    assert await pool.fetchval("SELECT count(*) FROM imports") == 0
