"""Each file that docs/imports.md shows is loaded by the command below it."""

import asyncio
import csv
import re
import shlex
from contextlib import suppress
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from core.database import Pool
from tests.support.workbooks import archive, workbook

PAGE = Path(__file__).parents[2] / "docs" / "imports.md"
EXAMPLE = re.compile(r"^### (.+?)\n.*?```csv\n(.*?)```\n+```sh\n(.*?)```", re.MULTILINE | re.DOTALL)


def examples() -> dict[str, tuple[str, str]]:
    """The file and the command of each section."""
    section = PAGE.read_text().split("\n## Files as devices and programs write them\n")[1]
    found = EXAMPLE.findall(section.split("\n## ")[0])
    return {title: (file, command) for title, file, command in found}


EXAMPLES = examples()


def write_example(folder: Path, file: str, command: str) -> tuple[list[str], Path]:
    """The options of the command and the file, in the form that its name and they say."""
    program, subcommand, *options, name = shlex.split(command.replace("\\\n", " "))
    assert (program, subcommand) == ("sensorflow", "import")
    path = folder / name
    path.write_bytes(as_file(file, path.suffix, encoding_in(options)))
    return options, path


def encoding_in(options: list[str]) -> str:
    return dict(pairwise(options)).get("--encoding", "utf-8")


def as_file(text: str, suffix: str, encoding: str) -> bytes:
    if suffix == ".xlsx":
        return workbook([list(map(cell, row)) for row in csv.reader(text.splitlines())])
    encoded = text.encode(encoding)
    return archive({"export.csv": encoded}) if suffix == ".zip" else encoded


def cell(text: str) -> str | float | datetime:
    """A cell as Excel would have it, which knows numbers and dates."""
    for kind in (float, datetime.fromisoformat):
        with suppress(ValueError):
            return kind(text)
    return text


def test_every_section_has_an_example() -> None:
    page = PAGE.read_text().split("\n## Files as devices and programs write them\n")[1]
    assert list(EXAMPLES) == re.findall(r"^### (.+)$", page.split("\n## ")[0], re.MULTILINE)


@pytest.mark.parametrize(("file", "command"), EXAMPLES.values(), ids=EXAMPLES.keys())
async def test_a_documented_file_is_loaded_by_its_command(
    migrated_url: str, pool: Pool, tmp_path: Path, file: str, command: str
) -> None:
    options, path = write_example(tmp_path, file, command)
    environment = {
        "SENSORFLOW_DATABASE_URL": migrated_url,
        "SENSORFLOW_STORAGE_URL": str(tmp_path / "storage"),
    }
    outcome = await asyncio.to_thread(
        CliRunner(env=environment).invoke, app, ["import", *options, str(path)]
    )
    assert outcome.exit_code == 0, outcome.output
    assert await pool.fetchval("SELECT count(*) FROM readings") == 2
