"""What became of a file, and what the command ends with."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import Any, Protocol

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


class Outcome(Protocol):
    """What became of a file, to be told."""

    @property
    def path(self) -> Path:
        """The file."""
        ...

    @property
    def exit_code(self) -> ExitCode:
        """What this file alone would end the command with."""
        ...

    def lines(self) -> Iterator[str]:
        """What there is to say, for people."""
        ...

    def as_json(self) -> str:
        """The same on one line, for programs."""
        ...


def code_of(error: SensorFlowError) -> ExitCode:
    """What an error ends the command with."""
    return ExitCode.OUT_OF_REACH if isinstance(error, OUT_OF_REACH) else ExitCode.FAILED


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """How a file ended: an import in its final state, or an error before there was one."""

    path: Path
    result: Import | None = None
    error: SensorFlowError | None = None
    rejects_path: Path | None = None

    @property
    def exit_code(self) -> ExitCode:
        """What this file alone would end the command with."""
        if self.error:
            return code_of(self.error)
        if self.result is None or self.result.state is not ImportState.DONE:
            return ExitCode.FAILED
        return ExitCode.REJECTS if self.result.counts.rejected else ExitCode.DONE

    @property
    def failure(self) -> Failure | None:
        """Why there are no rows, or not all, if so."""
        if self.error:
            return Failure(self.error.code, self.error.message)
        return self.result.error if self.result else None

    def lines(self) -> Iterator[str]:
        """Why it failed, the account, the range, the pace, where the rejected rows are."""
        if self.failure:
            yield f"{self.failure.code}: {self.failure.message}"
        if self.result:
            yield from _import_lines(self.result)
        if self.rejects_path:
            yield f"rejected rows are in {self.rejects_path}"

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


def _import_lines(result: Import) -> Iterator[str]:
    counts = result.counts
    if counts.read:
        yield (
            f"{counts.read:,} rows: {counts.inserted:,} inserted, {counts.replaced:,} replaced, "
            f"{counts.unchanged:,} unchanged, {counts.rejected:,} rejected"
        )
    if result.range:
        yield told_range(result.range.start, result.range.end)
    if result.duplicate_of:
        yield f"the same bytes came before, as import {result.duplicate_of}"
    yield f"import {result.import_id} {result.state}{_pace(result)}"


def told_range(start: datetime, end: datetime) -> str:
    """The first and the last moment, in words."""
    return f"from {_moment(start)} to {_moment(end)} UTC"


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")


def _pace(result: Import) -> str:
    if not result.started_at or not result.finished_at:
        return ""
    seconds = (result.finished_at - result.started_at).total_seconds()
    return f" in {seconds:,.1f} s, {result.counts.read / max(seconds, 1e-3):,.0f} rows/s"
