"""How the files are written, from the command line; judged by the code that judges a form's."""

import json
from collections.abc import Mapping, Sequence

from api.http.problem_details import FieldProblem, InvalidRequestError
from api.imports.options import parse_options
from cli.imports.errors import MisuseError

# The options of the command by their names in a form.
NAMES = {
    "delimiter": "--delimiter",
    "decimal": "--decimal",
    "timeFormat": "--time-format",
    "timeZone": "--time-zone",
    "columns": "--column",
    "maxErrors": "--max-errors",
    "onTooManyErrors": "--on-too-many-errors",
    "onConflict": "--on-conflict",
}


def form_fields(given: Mapping[str, str | None], columns: Sequence[str]) -> dict[str, str]:
    """The fields of a form that say the same; `columns` are written `ours=theirs`.

    Raises MisuseError that names every wrong one.
    """
    fields = {name: value for name, value in given.items() if value is not None}
    if columns:
        fields["columns"] = json.dumps(dict(_pair(column) for column in columns))
    try:
        parse_options(fields)
    except InvalidRequestError as error:
        raise MisuseError("\n".join(map(_told, error.problems))) from error
    return fields


def _pair(column: str) -> tuple[str, str]:
    ours, separator, theirs = column.partition("=")
    if not separator:
        raise MisuseError(f"--column {column}: write it like equipmentId=Pump")
    return ours, theirs


def _told(problem: FieldProblem) -> str:
    name = problem.field.partition(".")[0]
    return f"{NAMES[name]}: {problem.message}"
