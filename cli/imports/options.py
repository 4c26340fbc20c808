"""The options about the files, validated by the code that validates an upload form."""

import json
from collections.abc import Mapping, Sequence

from api.http.problem_details import FieldProblem, InvalidRequestError
from api.imports.options import parse_options
from cli.imports.errors import UsageError

# Form fields and the options of the command for them.
OPTION_NAMES = {
    "delimiter": "--delimiter",
    "decimal": "--decimal",
    "timeFormat": "--time-format",
    "timeZone": "--time-zone",
    "columns": "--column",
    "maxErrors": "--max-errors",
    "onTooManyErrors": "--on-too-many-errors",
    "onConflict": "--on-conflict",
    "earliest": "--earliest",
}


def form_fields(given: Mapping[str, str | None], columns: Sequence[str]) -> dict[str, str]:
    """The options as form fields; each of `columns` is written `ours=theirs`.

    Raises UsageError that names every invalid one.
    """
    fields = {name: value for name, value in given.items() if value is not None}
    if columns:
        fields["columns"] = json.dumps(dict(_pair(column) for column in columns))
    try:
        parse_options(fields)
    except InvalidRequestError as error:
        raise UsageError("\n".join(map(_message, error.problems))) from error
    return fields


def _pair(column: str) -> tuple[str, str]:
    ours, separator, theirs = column.partition("=")
    if not separator:
        raise UsageError(f"--column {column}: write it like equipmentId=Pump")
    return ours, theirs


def _message(problem: FieldProblem) -> str:
    name = problem.field.partition(".")[0]
    return f"{OPTION_NAMES[name]}: {problem.message}"
