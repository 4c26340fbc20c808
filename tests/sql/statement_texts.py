"""SHA-256 of the statements' texts as the server gets them, and the command that renews the table.

`python -m tests.sql.statement_texts --write` after a change that is meant to alter a text.
"""

import json
import re
import sys
from functools import cache
from hashlib import sha256
from pathlib import Path

from core.queries import SQL, fragments, queries
from core.sql_fragments import expand

TABLE = Path(__file__).with_suffix(".json")
RENEW = "python -m tests.sql.statement_texts --write"

QUERY_FILES = ("aggregate_hours", "aggregates", "exports", "rollups")
NOT_PINNED = frozenset({"018_imports.sql"})

QUERY_NAME = re.compile(r"^-- name: (\w+)", re.MULTILINE)
# Statements of a definitions file begin at a line's start, the lines inside them do not.
DEFINITION = re.compile(r"^(?=(?:COMMENT|CREATE|DO|GRANT)\b)", re.MULTILINE)
COMMENT_LINE = re.compile(r"^--.*\n?", re.MULTILINE)


@cache
def statement_texts() -> dict[str, str]:
    """Name to text: `rollups: hourly_differences`, `015_measured: CREATE OR REPLACE VIEW ...`."""
    return dict(sorted((_query_texts() | _definition_texts()).items()))


def pinned_digests() -> dict[str, str]:
    """The committed table: name to SHA-256."""
    digests: dict[str, str] = json.loads(TABLE.read_text())
    return digests


def digest(text: str) -> str:
    """SHA-256 in hexadecimal."""
    return sha256(text.encode()).hexdigest()


def _query_texts() -> dict[str, str]:
    return {
        f"{file}: {name}": getattr(queries(), name).sql
        for file in QUERY_FILES
        for name in QUERY_NAME.findall((SQL / "queries" / f"{file}.sql").read_text())
    }


def _definition_texts() -> dict[str, str]:
    return {
        f"{path.stem}: {_first_line(statement)}": statement
        for path in sorted((SQL / "definitions").glob("*.sql"))
        if path.name not in NOT_PINNED
        for statement in _split(expand(path.read_text(), path, fragments()))
    }


def _split(script: str) -> list[str]:
    """The statements of a script, without the comments between them."""
    statements = DEFINITION.split(COMMENT_LINE.sub("", script))
    return [statement.strip() for statement in statements if statement.strip()]


def _first_line(statement: str) -> str:
    return statement.partition("\n")[0]


def _write() -> None:
    digests = {name: digest(text) for name, text in statement_texts().items()}
    TABLE.write_text(json.dumps(digests, indent=2) + "\n")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(f"usage: {RENEW}")
    _write()
