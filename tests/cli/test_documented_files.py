"""Each file that docs/imports.md shows is loaded by the command below it."""

import asyncio
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from core.database import Pool

PAGE = Path(__file__).parents[2] / "docs" / "imports.md"
EXAMPLE = re.compile(r"^### (.+?)\n.*?```csv\n(.*?)```\n+```sh\n(.*?)```", re.MULTILINE | re.DOTALL)


def examples() -> dict[str, tuple[str, str]]:
    """The file and the command of each section."""
    section = PAGE.read_text().split("\n## Files as devices and programs write them\n")[1]
    found = EXAMPLE.findall(section.split("\n## ")[0])
    return {title: (file, command) for title, file, command in found}


EXAMPLES = examples()


def test_every_section_has_an_example() -> None:
    page = PAGE.read_text().split("\n## Files as devices and programs write them\n")[1]
    assert list(EXAMPLES) == re.findall(r"^### (.+)$", page.split("\n## ")[0], re.MULTILINE)


@pytest.mark.parametrize(("file", "command"), EXAMPLES.values(), ids=EXAMPLES.keys())
async def test_a_documented_file_is_loaded_by_its_command(
    migrated_url: str, pool: Pool, tmp_path: Path, file: str, command: str
) -> None:
    program, *arguments, name = shlex.split(command.replace("\\\n", " "))
    assert program == "sensorflow"
    path = tmp_path / name
    path.write_text(file)
    environment = {
        "SENSORFLOW_DATABASE_URL": migrated_url,
        "SENSORFLOW_STORAGE_URL": str(tmp_path / "storage"),
    }
    outcome = await asyncio.to_thread(
        CliRunner(env=environment).invoke, app, [*arguments, str(path)]
    )
    assert outcome.exit_code == 0, outcome.output
    assert await pool.fetchval("SELECT count(*) FROM readings") == 2
