"""What the documents say is what the code does."""

import re
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

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
