"""One file after the other, each to its end, and a report of all."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import typer
from rich.console import Console

from api.imports.schemas import Import
from cli.imports.display import Display, display_for
from cli.imports.errors import FileUnreadableError, RejectsNotSavedError
from cli.imports.importer import Importer, Target
from cli.imports.outcomes import ExitCode, ImportOutcome, Outcome
from cli.imports.rejects_file import save_rejects
from cli.imports.report import Report
from core.errors import SensorFlowError, SettingError

T = TypeVar("T", bound=Target)

ProcessFile = Callable[[T, Path, Display], Awaitable[Outcome]]


def run_files(
    files: Sequence[Path],
    opening: AbstractAsyncContextManager[T],
    process: ProcessFile[T],
    report: Report,
) -> ExitCode:
    """Process each file with the target that `opening` opens; the highest of their exit codes."""
    with display_for(Console(stderr=True, highlight=False)) as display:
        return asyncio.run(_run_all(files, opening, partial(_outcome, process, display), report))


async def _run_all(
    files: Sequence[Path],
    opening: AbstractAsyncContextManager[T],
    process: Callable[[T, Path], Awaitable[Outcome]],
    report: Report,
) -> ExitCode:
    remaining = list(files)
    try:
        async with opening as target:
            typer.echo(f"To {target.destination}", err=True)
            while remaining:
                report.add(await process(target, remaining[0]))
                remaining.pop(0)
    except SettingError:
        raise
    except SensorFlowError as error:  # of the target, so that it concerns every file
        for path in remaining:
            report.add(ImportOutcome(path, error=error))
    except asyncio.CancelledError:
        report.interrupted(remaining, target.after_interruption())
        return ExitCode.INTERRUPTED
    return report.finish()


async def _outcome(process: ProcessFile[T], display: Display, target: T, path: Path) -> Outcome:
    try:
        return await process(target, path, display)
    except SensorFlowError as error:
        return ImportOutcome(path, error=error)
    except OSError as error:
        return ImportOutcome(path, error=unreadable(error))
    finally:
        display.finish_file()


async def import_and_save_rejects(
    importer: Importer, path: Path, display: Display
) -> ImportOutcome:
    """Import a file and save its rejects beside it. Raises SensorFlowError or OSError."""
    outcome = ImportOutcome(path, await importer.import_file(path, display))
    return await _with_rejects(importer, outcome)


async def _with_rejects(importer: Importer, outcome: ImportOutcome) -> ImportOutcome:
    """The outcome, its rejected rows saved if it has any."""
    if outcome.result is None or not outcome.result.counts.rejected:
        return outcome
    rejects = importer.rejects(outcome.result.import_id)
    try:
        return replace(outcome, rejects_path=await save_rejects(outcome.path, rejects))
    except SensorFlowError as error:
        return replace(outcome, error=error)
    except OSError as error:
        return replace(outcome, error=_not_saved(outcome.result, error))


def unreadable(error: OSError) -> FileUnreadableError:
    """The error of a file that the system does not let this process read."""
    return FileUnreadableError(f"The file cannot be read: {error.strerror}.")


def _not_saved(result: Import, error: OSError) -> RejectsNotSavedError:
    return RejectsNotSavedError(
        f"The rejected rows cannot be written beside the file: {error.strerror}. "
        f"They are kept: GET /imports/{result.import_id}/rejects."
    )
