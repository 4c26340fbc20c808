"""The files that GitHub reads."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


@pytest.mark.parametrize(
    ("schema", "file"),
    [("github-workflows", WORKFLOW), *(("github-issue-forms", form) for form in FORMS)],
    ids=lambda value: getattr(value, "name", value),
)
def test_it_follows_its_schema(schema: str, file: Path) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    result = subprocess.run([*command, file], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_the_files_that_the_workflow_names_exist() -> None:
    text = WORKFLOW.read_text()
    named = set(re.findall(r"(?<![\w/])(?:\.ci|deploy)/[\w./-]+", text))
    assert len(named) == 3
    assert not [name for name in named if not (ROOT / name).is_file()]
