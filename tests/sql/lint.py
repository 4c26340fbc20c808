"""Lint the SQL files with their fragments in place: `python -m tests.sql.lint`.

A fragment alone is no statement, nor is a statement without its fragments. The line numbers
reported are those of the expanded text.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from core.queries import SQL, fragments
from core.sql_fragments import Fragments, expand

RULES = SQL.parent / ".sqlfluff"


def expanded_files(fragments: Fragments) -> Iterator[tuple[Path, str]]:
    """Path below sql/ and expanded text of every file of statements."""
    for folder in ("definitions", "queries"):
        for path in sorted((SQL / folder).glob("*.sql")):
            yield path.relative_to(SQL), expand(path.read_text(), path, fragments)


def lint(folder: Path) -> int:
    """The exit code of the linter over the folder's files."""
    command = [sys.executable, "-m", "sqlfluff", "lint", "--disable-progress-bar"]
    return subprocess.run([*command, "--config", RULES, "."], cwd=folder, check=False).returncode


def _main() -> int:
    with TemporaryDirectory() as name:
        for path, text in expanded_files(fragments()):
            target = Path(name, "sql", path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        return lint(Path(name))


if __name__ == "__main__":
    sys.exit(_main())
