"""The files that GitHub reads."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        *(("github-workflows", workflow) for workflow in WORKFLOWS),
        *(("github-issue-forms", form) for form in FORMS),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_it_follows_its_schema(schema: str, file: Path) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    result = subprocess.run([*command, file], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_the_files_that_the_workflows_name_exist() -> None:
    text = "".join(workflow.read_text() for workflow in WORKFLOWS)
    named = set(re.findall(r"(?<![\w/])(?:\.ci|deploy)/[\w./-]+", text))
    assert len(named) == 4
    assert not [name for name in named if not (ROOT / name).is_file()]


def test_a_release_needs_a_tag_of_its_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    command = ROOT / ".ci" / "tag-matches"
    matching = subprocess.run([command, f"v{version}"], capture_output=True, check=False)
    other = subprocess.run([command, "v99.0.0"], capture_output=True, text=True, check=False)
    assert matching.returncode == 0, matching.stderr
    assert (other.returncode, other.stderr) == (
        1,
        f"The tag is v99.0.0, but pyproject.toml has {version}.\n",
    )


def test_the_dev_container_prepares_what_ci_does() -> None:
    lines = (ROOT / ".devcontainer" / "devcontainer.json").read_text().splitlines()
    container = json.loads("\n".join(line for line in lines if not line.startswith("//")))
    (target,) = re.findall(r"make (\S+)", container["postCreateCommand"])
    assert target == ".venv/.installed"
    assert {"chromium", "haproxy", "redis-server"} < set(container["onCreateCommand"].split())
