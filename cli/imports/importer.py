"""What the command needs of each way that files can take."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol
from uuid import UUID

from api.imports.schemas import Import
from cli.imports.display import Display


class Way(Protocol):
    """Takes files, one after the other."""

    @property
    def destination(self) -> str:
        """Where the rows go, for people to read."""
        ...

    def after_interruption(self) -> list[str]:
        """What is left of the file that was under way when the command was interrupted."""
        ...


class Importer(Way, Protocol):
    """A way to import files: through a server, or in this process."""

    async def bring(self, path: Path, display: Display) -> Import:
        """Import the file; the import in its final state. Raises SensorFlowError or OSError."""
        ...

    def rejects(self, import_id: UUID) -> AsyncIterator[bytes]:
        """The rejected rows as CSV. Raises SensorFlowError."""
        ...
