"""What became of a file, and what the command ends with."""

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import msgspec

from api.imports.schemas import Failure, Import
from cli.imports.errors import AccessRefusedError, GivenUpError, ServerUnreachableError
from core.errors import (
    DatabaseRefusedError,
    DatabaseUnavailableError,
    SensorFlowError,
    StorageError,
)
from core.imports import ImportState

OUT_OF_REACH = (
    AccessRefusedError,
    DatabaseRefusedError,
    DatabaseUnavailableError,
    GivenUpError,
    ServerUnreachableError,
    StorageError,
)


class ExitCode(IntEnum):
    """What the command ends with; of several files the worst, which is the highest."""

    DONE = 0
    REJECTS = 1
    MISCONFIGURED = 2
    FAILED = 3
    OUT_OF_REACH = 4
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a file ended: an import in its final state, or an error before there was one."""

    path: Path
    result: Import | None = None
    error: SensorFlowError | None = None
    rejects_path: Path | None = None

    @property
    def exit_code(self) -> ExitCode:
        """What this file alone would end the command with."""
        if isinstance(self.error, OUT_OF_REACH):
            return ExitCode.OUT_OF_REACH
        if self.result is None or self.error or self.result.state is not ImportState.DONE:
            return ExitCode.FAILED
        return ExitCode.REJECTS if self.result.counts.rejected else ExitCode.DONE

    @property
    def failure(self) -> Failure | None:
        """Why there are no rows, or not all, if so."""
        if self.error:
            return Failure(self.error.code, self.error.message)
        return self.result.error if self.result else None

    def as_json(self) -> str:
        """The outcome on one line; the import is written as the API does."""
        document: dict[str, Any] = {
            "file": str(self.path),
            "exitCode": self.exit_code.value,
            "error": self.failure,
            "rejectsFile": self.rejects_path and str(self.rejects_path),
            "import": self.result,
        }
        return msgspec.json.encode(document).decode()
