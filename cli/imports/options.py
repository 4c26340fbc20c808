"""The command's options about the files: one for each import option, validated as an upload form.

They follow the table of api/imports/options.py, which loads without the HTTP framework.
"""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, signature
from types import MappingProxyType
from typing import TypeAlias

import typer

from api.http.problem_details import FieldProblem, InvalidRequestError
from api.imports.options import IMPORT_OPTIONS, ImportOption, parse_options
from cli.imports.errors import UsageError
from core.imports import TIMESTAMP

FORMAT_PANEL = "How the files are written"
FLAGS = {option.name: option.flag for option in IMPORT_OPTIONS}

Command: TypeAlias = Callable[..., None]


def _columns_as_json(columns: Sequence[str]) -> str:
    return json.dumps(dict(_pair(column) for column in columns))


def _pair(column: str) -> tuple[str, str | list[str]]:
    """Our name and the file's; a timestamp may have two, written like fields of CSV."""
    ours, separator, theirs = column.partition("=")
    if not separator:
        raise UsageError(f"--column {column}: write it like equipmentId=Pump")
    names = next(csv.reader([theirs]), []) if ours == TIMESTAMP else [theirs]
    return ours, names[0] if len(names) == 1 else names


# Options that may be repeated, and how their values make the text of one form field.
JOINERS: Mapping[str, Callable[[Sequence[str]], str]] = MappingProxyType(
    {"columns": _columns_as_json, "ignoreColumns": json.dumps, "nullValues": json.dumps}
)


def with_import_options(command: Command) -> Command:
    """The command with an option for each import option in place of its last, `**` parameter.

    Typer reads the options from the signature.
    """
    declared = signature(command)
    *own, _ = declared.parameters.values()
    extended = declared.replace(parameters=[*own, *map(_parameter, IMPORT_OPTIONS)])
    command.__signature__ = extended  # type: ignore[attr-defined]  # PEP 362: any callable's
    return command


def _parameter(option: ImportOption) -> Parameter:
    info = typer.Option(
        None,
        option.flag,
        help=option.cli_help,
        metavar=option.metavar,
        show_default=False,
        rich_help_panel=FORMAT_PANEL,
    )
    kind = list[str] | None if option.name in JOINERS else str | None
    return Parameter(option.name, Parameter.KEYWORD_ONLY, default=info, annotation=kind)


def form_fields(given: Mapping[str, str | list[str] | None]) -> dict[str, str]:
    """The options as form fields; those that may be repeated are lists, and come last.

    Raises UsageError that names every invalid one.
    """
    fields = {name: value for name, value in given.items() if isinstance(value, str)}
    repeated = {name: values for name, values in given.items() if isinstance(values, list)}
    fields |= {name: JOINERS[name](values) for name, values in repeated.items() if values}
    try:
        parse_options(fields)
    except InvalidRequestError as error:
        raise UsageError("\n".join(map(_message, error.problems))) from error
    return fields


def _message(problem: FieldProblem) -> str:
    name = problem.field.partition(".")[0]
    return f"{FLAGS[name]}: {problem.message}"
