"""Import options as the command line that gives them."""

import csv
import io
import shlex
from collections.abc import Iterator
from pathlib import Path

import msgspec

from api.imports.option_parsers import DELIMITER_NAMES
from api.imports.options import IMPORT_OPTIONS
from core.imports import TIMESTAMP, ImportOptions


def command_line(options: ImportOptions, path: Path) -> str:
    """The command that imports the file with the options, quoted for a shell."""
    given, defaults = msgspec.to_builtins(options), msgspec.to_builtins(ImportOptions())
    flags = (
        part
        for option in IMPORT_OPTIONS
        if given[option.name] != defaults[option.name]
        for text in _texts(given[option.name])
        for part in (option.flag, text)
    )
    return shlex.join(["sensorflow", "import", *flags, str(path)])


def _written(ours: str, theirs: str | list[str]) -> str:
    """The file's name, or its two names, as fields of CSV."""
    if ours != TIMESTAMP:
        return str(theirs)
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow([theirs] if isinstance(theirs, str) else theirs)
    return text.getvalue()


def _texts(value: object) -> Iterator[str]:
    """What stands behind each flag of an option; one that is repeated has several."""
    match value:
        case dict():
            yield from (f"{ours}={_written(ours, theirs)}" for ours, theirs in value.items())
        case list():
            yield from value
        case str() if value in DELIMITER_NAMES.values():
            yield next(name for name, mark in DELIMITER_NAMES.items() if mark == value)
        case _:
            yield str(value)
