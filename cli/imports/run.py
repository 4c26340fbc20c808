"""`sensorflow import`: one file after the other, each to its end, all of them told."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from api.imports.schemas import Import
from cli.imports.display import Display, display_for
from cli.imports.errors import FileUnreadableError, RejectsNotSavedError
from cli.imports.importer import Importer
from cli.imports.outcomes import ExitCode, Outcome
from cli.imports.rejects_file import save_rejects
from cli.imports.report import Report
from core.errors import SensorFlowError

Opening = AbstractAsyncContextManager[Importer]


def run_imports(files: Sequence[Path], opening: Opening, *, as_json: bool) -> ExitCode:
    """Import the files; the worst of what became of them."""
    with display_for(Console(stderr=True, highlight=False)) as display:
        return asyncio.run(_import_all(files, opening, display, Report(as_json=as_json)))


async def _import_all(
    files: Sequence[Path], opening: Opening, display: Display, report: Report
) -> ExitCode:
    left = list(files)
    try:
        async with opening as importer:
            display.tell(f"To {importer.destination}")
            while left:
                report.add(await _outcome(importer, left[0], display))
                left.pop(0)
    except SensorFlowError as error:  # what stands in the way of one is in the way of all
        for path in left:
            report.add(Outcome(path, error=error))
    except asyncio.CancelledError:
        report.interrupted(left, importer.after_interruption())
        return ExitCode.INTERRUPTED
    return report.end()


async def _outcome(importer: Importer, path: Path, display: Display) -> Outcome:
    try:
        result = await importer.bring(path, display)
    except SensorFlowError as error:
        return Outcome(path, error=error)
    except OSError as error:
        return Outcome(path, error=_unreadable(error))
    finally:
        display.ended()
    return await _with_rejects(importer, Outcome(path, result))


async def _with_rejects(importer: Importer, outcome: Outcome) -> Outcome:
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
