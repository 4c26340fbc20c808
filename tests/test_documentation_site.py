"""The documentation's site. `make docs` builds it and checks its links."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
REPOSITORY = "https://example.org/plant/sensors"


@pytest.fixture(scope="module")
def hooks() -> ModuleType:
    specification = importlib.util.spec_from_file_location("docs_hooks", DOCS / "hooks.py")
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_each_page_has_its_place_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    placed = re.findall(r"[\w/-]+\.md$", navigation, re.MULTILINE)
    assert sorted(placed) == sorted(
        path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")
    )


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("[a](../CONTRIBUTING.md#the-loop)", f"{REPOSITORY}/blob/main/CONTRIBUTING.md#the-loop"),
        ("[a](../tests/bi_tools)", f"{REPOSITORY}/tree/main/tests/bi_tools"),
        ("[a](bruno)", f"{REPOSITORY}/tree/main/docs/bruno"),
        ("[a](api.md#access)", "api.md#access"),
        ("[a](bi/notebook.ipynb)", "bi/notebook.ipynb"),
        ("[a](#access)", "#access"),
        ("[a](https://example.org/x)", "https://example.org/x"),
        ("[a](../missing.md)", "../missing.md"),
        ("[a](../../outside)", "../../outside"),
    ],
)
def test_links_to_files_that_are_not_on_the_site_lead_to_the_repository(
    hooks: ModuleType, link: str, target: str
) -> None:
    assert hooks.with_repository_links(link, DOCS, REPOSITORY) == f"[a]({target})"


def test_without_a_repository_they_lead_to_the_files_here(hooks: ModuleType) -> None:
    written = hooks.with_repository_links("[a](../LICENSE)", DOCS, "")
    assert written == f"[a]({(ROOT / 'LICENSE').as_uri()})"
