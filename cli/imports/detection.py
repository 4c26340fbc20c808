"""`sensorflow import --detect`: the options for each file, found in its first lines."""

from collections.abc import Sequence
from pathlib import Path

from api.imports.options import parse_options
from api.imports.uploads import extension_of
from cli.imports.detection_outcome import DetectionOutcome
from cli.imports.outcomes import ExitCode, ImportOutcome, Outcome
from cli.imports.report import Report
from cli.imports.runner import unreadable
from core.errors import SensorFlowError
from core.imports import ImportOptions
from core.readings import TimeBounds
from core.settings import ReadingSettings
from core.time import utc_now
from jobs.csv_import.detection.proposals import propose_options
from jobs.csv_import.detection.sample import FilePart


def detect_files(files: Sequence[Path], options: dict[str, str], report: Report) -> ExitCode:
    """Propose options for each file beside those that are given; the highest exit code."""
    for path in files:
        report.add(_outcome(path, parse_options(options)))
    return report.finish()


def _outcome(path: Path, given: ImportOptions) -> Outcome:
    limits = ReadingSettings()
    bounds = TimeBounds.at(utc_now(), limits.max_future, given.earliest or limits.earliest, None)
    try:
        extension_of(path.name)
        return DetectionOutcome(path, propose_options(FilePart(path), given, bounds))
    except SensorFlowError as error:
        return ImportOutcome(path, error=error)
    except OSError as error:
        return ImportOutcome(path, error=unreadable(error))
