"""What the command needs of a server, of the local database and of a dry run alike."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol
from uuid import UUID

from api.imports.schemas import Import
from cli.imports.display import Display


class Target(Protocol):
    """Takes files, one after the other."""

    @property
    def destination(self) -> str:
        """Where the rows go, for people to read."""
        ...

    def after_interruption(self) -> list[str]:
        """Lines for the user about the file in progress when the command was interrupted."""
        ...


class Importer(Target, Protocol):
    """Imports files: through a server, or in this process."""

    async def import_file(self, path: Path, display: Display) -> Import:
        """Import the file; the import in its final state. Raises SensorFlowError or OSError."""
        ...

    def rejects(self, import_id: UUID) -> AsyncIterator[bytes]:
        """The rejected rows as CSV. Raises SensorFlowError."""
        ...
