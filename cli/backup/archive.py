"""A file that pg_dump wrote in its custom format, and what it says of itself."""

import re
from dataclasses import dataclass
from pathlib import Path

from cli.backup.errors import BackupError
from cli.backup.programs import output

# A line of pg_restore --list: dump id; catalog and object ids, what it is, and last its owner.
ENTRY = re.compile(r"^\d+; \d+ \d+ .* (?P<owner>\S+)$")
NOBODY = "-"
# Of rows as COPY prints them.
TIMESCALEDB_VERSION = re.compile(r"^timescaledb_version\t(\S+)\t", re.MULTILINE)
REVISION = re.compile(r"^(\d{4})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Archive:
    """What a server must have before the file can be restored to it."""

    path: Path
    timescaledb_version: str
    revision: str
    owners: list[str]
    entries: int


def read_archive(path: Path) -> Archive:
    """What the file says of itself. Raises BackupError if it is no backup of Sensor Flow."""
    if not path.is_file():
        raise BackupError(f"There is no file {path}.")
    entries = [match for line in _listed(path) if (match := ENTRY.match(line))]
    return Archive(
        path,
        _found(TIMESCALEDB_VERSION, path, "_timescaledb_catalog", "metadata"),
        _found(REVISION, path, "public", "alembic_version"),
        sorted({entry["owner"] for entry in entries} - {NOBODY}),
        len(entries),
    )


def _listed(path: Path) -> list[str]:
    return output("pg_restore", "--list", str(path)).splitlines()


def _found(pattern: re.Pattern[str], path: Path, schema: str, table: str) -> str:
    rows = output(
        "pg_restore", "--data-only", f"--schema={schema}", f"--table={table}", "--file=-", str(path)
    )
    if match := pattern.search(rows):
        return match[1]
    raise BackupError(f"{path} is no backup of Sensor Flow: it lacks {schema}.{table}.")
