"""The outcome of a file, and the exit codes of the command."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import Any, Protocol

import msgspec

from api.imports.schemas import Failure, Import
from cli.imports.errors import AccessRefusedError, RetriesExhaustedError, ServerUnreachableError
from core.errors import (
    DatabaseRefusedError,
    DatabaseUnavailableError,
    SensorFlowError,
    StorageError,
)
from core.imports import ImportState
from core.row_warnings import ReportedWarning

OUT_OF_REACH_ERRORS = (
    AccessRefusedError,
    DatabaseRefusedError,
    DatabaseUnavailableError,
    RetriesExhaustedError,
    ServerUnreachableError,
    StorageError,
)


NO_READING = "no reading: every value of the file is one of nullValues"


class ExitCode(IntEnum):
    """The exit code of the command; of several files the highest, which is the worst."""

    DONE = 0
    REJECTS = 1
    MISCONFIGURED = 2
    FAILED = 3
    OUT_OF_REACH = 4
    INTERRUPTED = 130


class Outcome(Protocol):
    """The outcome of a file, to be reported."""

    @property
    def path(self) -> Path:
        """The file."""
        ...

    @property
    def exit_code(self) -> ExitCode:
        """The exit code for this file alone."""
        ...

    def lines(self) -> Iterator[str]:
        """The report for people."""
        ...

    def as_json(self) -> str:
        """The report for programs, on one line."""
        ...


def exit_code_of(error: SensorFlowError) -> ExitCode:
    """The exit code for an error."""
    return ExitCode.OUT_OF_REACH if isinstance(error, OUT_OF_REACH_ERRORS) else ExitCode.FAILED


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """An import in its final state, or an error before there was one."""

    path: Path
    result: Import | None = None
    error: SensorFlowError | None = None
    rejects_path: Path | None = None

    @property
    def exit_code(self) -> ExitCode:
        """The exit code for this file alone."""
        if self.error:
            return exit_code_of(self.error)
        if self.result is None or self.result.state is not ImportState.DONE:
            return ExitCode.FAILED
        return ExitCode.REJECTS if self.result.counts.rejected else ExitCode.DONE

    @property
    def failure(self) -> Failure | None:
        """Why the import failed, if it did."""
        if self.error:
            return Failure(self.error.code, self.error.detail)
        return self.result.error if self.result else None

    def lines(self) -> Iterator[str]:
        """Why it failed, row counts, time range, rate, and where the rejected rows are."""
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
            f"{counts.unchanged:,} unchanged, {format_skipped(counts.skipped, 'skipped')}"
            f"{counts.rejected:,} rejected"
        )
    if counts.skipped and counts.skipped == counts.read:
        yield NO_READING
    if result.range:
        yield format_range(result.range.start, result.range.end)
    yield from warning_lines(result.warnings)
    if result.duplicate_of:
        yield f"the same bytes came before, as import {result.duplicate_of}"
    yield f"import {result.import_id} {result.state}{_duration_and_rate(result)}"


def format_skipped(skipped: int, word: str) -> str:
    """How many rows are skipped, as part of a list; nothing where there are none."""
    return f"{skipped:,} {word}, " if skipped else ""


def warning_lines(warnings: Iterable[ReportedWarning]) -> Iterator[str]:
    """A line for each warning."""
    for warning in warnings:
        lines = ", ".join(map(str, warning.lines))
        more = ", ..." if warning.count > len(warning.lines) else ""
        yield (
            f"warning {warning.code}: {warning.count:,} rows (lines {lines}{more}). "
            f"{warning.message}"
        )


def format_range(start: datetime, end: datetime) -> str:
    """The first and the last timestamp, in words."""
    return f"from {_format_utc(start)} to {_format_utc(end)} UTC"


def _format_utc(ts: datetime) -> str:
    return ts.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")


def _duration_and_rate(result: Import) -> str:
    if not result.started_at or not result.finished_at:
        return ""
    seconds = (result.finished_at - result.started_at).total_seconds()
    return f" in {seconds:,.1f} s, {result.counts.read / max(seconds, 1e-3):,.0f} rows/s"
