"""`sensorflow import`: one file after the other, each to its end, all of them told."""

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
from cli.imports.importer import Importer, Way
from cli.imports.outcomes import ExitCode, ImportOutcome, Outcome
from cli.imports.rejects_file import save_rejects
from cli.imports.report import Report
from core.errors import SensorFlowError, SettingError

W = TypeVar("W", bound=Way)

Take = Callable[[W, Path, Display], Awaitable[Outcome]]


def run(
    files: Sequence[Path], opening: AbstractAsyncContextManager[W], take: Take[W], report: Report
) -> ExitCode:
    """Take the files along the way that `opening` opens; the worst of what became of them."""
    with display_for(Console(stderr=True, highlight=False)) as display:
        return asyncio.run(_take_all(files, opening, partial(_taken, take, display), report))


async def _take_all(
    files: Sequence[Path],
    opening: AbstractAsyncContextManager[W],
    take: Callable[[W, Path], Awaitable[Outcome]],
    report: Report,
) -> ExitCode:
    left = list(files)
    try:
        async with opening as way:
            typer.echo(f"To {way.destination}", err=True)
            while left:
                report.add(await take(way, left[0]))
                left.pop(0)
    except SettingError:
        raise
    except SensorFlowError as error:  # what stands in the way of one is in the way of all
        for path in left:
            report.add(ImportOutcome(path, error=error))
    except asyncio.CancelledError:
        report.interrupted(left, way.after_interruption())
        return ExitCode.INTERRUPTED
    return report.end()


async def _taken(take: Take[W], display: Display, way: W, path: Path) -> Outcome:
    try:
        return await take(way, path, display)
    except SensorFlowError as error:
        return ImportOutcome(path, error=error)
    except OSError as error:
        return ImportOutcome(path, error=_unreadable(error))
    finally:
        display.ended()


async def imported(importer: Importer, path: Path, display: Display) -> ImportOutcome:
    """Import a file and save its rejects. Raises SensorFlowError or OSError."""
    return await _with_rejects(importer, ImportOutcome(path, await importer.bring(path, display)))


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


def _unreadable(error: OSError) -> FileUnreadableError:
    return FileUnreadableError(f"The file cannot be read: {error.strerror}.")


def _not_saved(result: Import, error: OSError) -> RejectsNotSavedError:
    return RejectsNotSavedError(
        f"The rejected rows cannot be written beside the file: {error.strerror}. "
        f"They are kept: GET /imports/{result.import_id}/rejects."
    )
