"""What the documents say is what the code does."""

import re
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from api.system.schemas import FindingCode
from core import settings
from core.imports import ImportFault

ROOT = Path(__file__).parent.parent
GROUPS = [
    group
    for group in vars(settings).values()
    if isinstance(group, type) and issubclass(group, BaseSettings) and group is not BaseSettings
]


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.__name__)
def test_every_setting_is_documented_with_its_default(group: type[BaseSettings]) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    for name, field in group.model_fields.items():
        default = "required" if field.default is PydanticUndefined else f"`{field.default}`"
        variable = f"{group.model_config['env_prefix']}{name.upper()}"
        assert f"| `{variable}` | {default} | {field.description} |" in page


def test_the_page_names_no_setting_that_does_not_exist() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    known = sum(len(group.model_fields) for group in GROUPS)
    assert page.count("| `SENSORFLOW_") == known


def test_the_table_of_import_faults_lists_every_code_once() -> None:
    page = (ROOT / "docs" / "imports.md").read_text()
    section = page.split("## Why an import fails\n")[1].split("\n## ")[0]
    codes = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert sorted(codes) == sorted(ImportFault)


def test_the_table_of_findings_lists_every_code_once() -> None:
    page = (ROOT / "docs" / "api.md").read_text()
    section = page.split("## System\n")[1].split("\n## ")[0].split("| code |")[1]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(FindingCode)


def test_the_modules_and_files_that_the_architecture_names_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    modules = set(re.findall(r"\b(?:api|jobs|core|cli)(?:\.[a-z_]+)+", _diagrams(text)))
    assert len(modules) > 20
    assert not [name for name in modules if not _is_module(name)]
    assert not _missing_paths(text)


def test_the_files_that_a_contributor_is_sent_to_exist() -> None:
    assert not _missing_paths((ROOT / "CONTRIBUTING.md").read_text())


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "decisions").glob("0*.md")), ids=str)
def test_the_files_that_a_decision_names_exist(page: Path) -> None:
    assert not _missing_paths(page.read_text())
    assert f"({page.name})" in (page.parent / "README.md").read_text()


def _diagrams(text: str) -> str:
    return "".join(re.findall(r"```mermaid\n(.*?)```", text, re.DOTALL))


def _is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def _missing_paths(text: str) -> list[str]:
    """The paths in backticks, below a folder of ours, that do not exist; `<feature>` is any."""
    folders = "api|bench|cli|core|docs|embedded|jobs|migrations|sql|tests"
    paths = re.findall(rf"`((?:{folders})/[\w./<>-]*)`", text)
    return [path for path in paths if not any(ROOT.glob(re.sub("<[a-z]+>", "*", path)))]
