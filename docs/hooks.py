"""What the documentation's site does: links to files that are not on it lead to the repository."""

import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
ROOT = DOCS.parent
LINK = re.compile(r"\]\((?!\w+:|#|/)(?P<target>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """Called by MkDocs with the text of each page."""
    folder = (DOCS / page.file.src_uri).parent
    return with_repository_links(markdown, folder, config.repo_url)


def with_repository_links(markdown: str, folder: Path, repository: str) -> str:
    """The text of a page in that folder; without a repository, links lead to the files here.

    A target that does not exist stays as it is, so that MkDocs reports it.
    """

    def replace(link: re.Match[str]) -> str:
        target = (folder / link["target"]).resolve()
        is_on_the_site = target.is_relative_to(DOCS) and target.is_file()
        if is_on_the_site or not target.exists() or not target.is_relative_to(ROOT):
            return link[0]
        return f"]({_address(target, repository)}{link['anchor'] or ''})"

    return LINK.sub(replace, markdown)


def _address(target: Path, repository: str) -> str:
    if not repository:
        return target.as_uri()
    kind = "tree" if target.is_dir() else "blob"
    return f"{repository.removesuffix('/')}/{kind}/main/{target.relative_to(ROOT).as_posix()}"
