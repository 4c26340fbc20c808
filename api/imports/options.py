"""The options of an import, each declared once.

Upload form, JSON of POST /imports, OpenAPI document and command line all follow this table. The
defaults are those of `ImportOptions`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from api.http.parsers import enum_parser, invalid_parameter, parse_time_zone, printable
from api.http.problem_details import FieldProblem, InvalidRequestError
from api.imports.option_parsers import (
    DELIMITER_NAMES,
    parse_columns,
    parse_comment_prefix,
    parse_delimiter,
    parse_earliest_option,
    parse_id_template,
    parse_line_count,
    parse_max_errors,
    parse_time_format,
    texts_parser,
)
from core.imports import (
    COLUMN_NAME,
    COLUMNS,
    MAX_COLUMNS,
    MAX_WIDE_COLUMNS,
    TIMESTAMP,
    DecimalMark,
    Encoding,
    HeaderMode,
    Hour24,
    ImportOptions,
    OnTooManyErrors,
    TableLayout,
    TimeFormat,
)
from core.readings import OnConflict
from core.timestamp_patterns import ALLOWED, EXAMPLES

MAX_NULL_VALUES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOption:
    """An option: `name` is its form field and member of JSON, `flag` its option of the command.

    `parse` gets the name and a value, which is a text in a form, and raises InvalidRequestError.
    `description` is for the OpenAPI document; `cli_help` and `metavar` are for the command line.
    """

    name: str
    parse: Callable[[str, object], object]
    choices: tuple[str, ...] = ()
    description: str
    flag: str
    metavar: str
    cli_help: str


def _enum_option(name: str, kind: type[StrEnum], *, cli_help: str, **texts: str) -> ImportOption:
    """An option that is a member of `kind`; they stand for `{choices}` in the help."""
    return ImportOption(
        name=name,
        parse=enum_parser(kind),
        choices=tuple(kind),
        cli_help=cli_help.format(choices=_alternatives(kind)),
        **texts,
    )


def _alternatives(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}"


IMPORT_OPTIONS = (
    _enum_option(
        "encoding",
        Encoding,
        description="The encoding of a text file that begins with no byte order mark.",
        flag="--encoding",
        metavar="NAME",
        cli_help="Of text without a byte order mark: {choices}.",
    ),
    ImportOption(
        name="delimiter",
        parse=parse_delimiter,
        choices=tuple(DELIMITER_NAMES),
        description="Between fields; without it, detected from the header.",
        flag="--delimiter",
        metavar="MARK",
        cli_help="Between fields: a comma, a semicolon, a pipe or the word tab.",
    ),
    _enum_option(
        "decimal",
        DecimalMark,
        description="The mark before a value's fraction.",
        flag="--decimal",
        metavar="MARK",
        cli_help="Before a value's fraction: {choices}",
    ),
    ImportOption(
        name="timeFormat",
        parse=parse_time_format,
        description=f"How timestamps are written: {_alternatives(TimeFormat)}, or a pattern "
        f"such as {EXAMPLES}; it may have {ALLOWED}.",
        flag="--time-format",
        metavar="FORMAT",
        cli_help=f"Of timestamps: {_alternatives(TimeFormat)}, or a pattern: {EXAMPLES}.",
    ),
    _enum_option(
        "hour24",
        Hour24,
        description="What 24:00:00 is: no time, or the beginning of the next day.",
        flag="--hour-24",
        metavar="WHAT",
        cli_help="What 24:00:00 is: {choices}.",
    ),
    ImportOption(
        name="timeZone",
        parse=parse_time_zone,
        description="The IANA time zone of timestamps without offset.",
        flag="--time-zone",
        metavar="ZONE",
        cli_help="The IANA zone of timestamps without offset.",
    ),
    ImportOption(
        name="columns",
        parse=parse_columns,
        description=f"A JSON object: the file's names for any of {', '.join(COLUMNS)}; a list of "
        "two for a timestamp whose date and time are in two columns.",
        flag="--column",
        metavar="OURS=THEIRS",
        cli_help=f"The file's name for {_alternatives(COLUMNS)}; timestamp=DATE,TIME if in two.",
    ),
    _enum_option(
        "layout",
        TableLayout,
        description="wide: every column but the timestamp's is a sensor.",
        flag="--layout",
        metavar="LAYOUT",
        cli_help="Of the table: {choices}, which is a column a sensor.",
    ),
    ImportOption(
        name="idTemplate",
        parse=parse_id_template,
        description=f"The id of a wide layout's sensor, with {COLUMN_NAME} for its column's name.",
        flag="--id-template",
        metavar="TEMPLATE",
        cli_help=f"The id of a wide layout's sensor, such as plant1.{COLUMN_NAME}.",
    ),
    ImportOption(
        name="ignoreColumns",
        parse=texts_parser('["RECORD"]', MAX_WIDE_COLUMNS),
        description='A JSON list of columns of a wide layout that are no sensors; "" is one '
        "without a name.",
        flag="--ignore-column",
        metavar="NAME",
        cli_help="A column of a wide layout that is no sensor.",
    ),
    _enum_option(
        "header",
        HeaderMode,
        description="none: no line names the columns, and the option columns has their numbers.",
        flag="--header",
        metavar="WHETHER",
        cli_help="Whether a line names the columns: {choices} (then number them by --column).",
    ),
    ImportOption(
        name="skipLines",
        parse=parse_line_count,
        description="Lines above the header, or above the first row if there is none.",
        flag="--skip-lines",
        metavar="LINES",
        cli_help="Lines above the header, if it is not found by itself.",
    ),
    ImportOption(
        name="commentPrefix",
        parse=parse_comment_prefix,
        description="Lines that begin with it are passed over, wherever they are.",
        flag="--comment-prefix",
        metavar="SIGN",
        cli_help="Lines that begin with it are passed over, such as #.",
    ),
    ImportOption(
        name="skipLinesAfterHeader",
        parse=parse_line_count,
        description="Lines between the header and the first row, such as one of units.",
        flag="--skip-lines-after-header",
        metavar="LINES",
        cli_help="Lines below the header that are no rows, such as units.",
    ),
    ImportOption(
        name="maxErrors",
        parse=parse_max_errors,
        description="The rows that may be rejected: a number, or a percentage such as 5%.",
        flag="--max-errors",
        metavar="LIMIT",
        cli_help="Rows that may be rejected: a number, or a share such as 1%.",
    ),
    _enum_option(
        "onTooManyErrors",
        OnTooManyErrors,
        description="What happens to the other rows if more are rejected.",
        flag="--on-too-many-errors",
        metavar="WHAT",
        cli_help="What happens to the rows if there are more: {choices}.",
    ),
    _enum_option(
        "onConflict",
        OnConflict,
        description="What happens to a row whose key is stored with another value.",
        flag="--on-conflict",
        metavar="WHAT",
        cli_help="Of rows that differ from stored ones: {choices}.",
    ),
    ImportOption(
        name="earliest",
        parse=parse_earliest_option,
        description="The earliest plausible timestamp, or its date; without it, the server's.",
        flag="--earliest",
        metavar="DATE",
        cli_help="The earliest plausible timestamp; for historic data, such as 1950-01-01.",
    ),
    ImportOption(
        name="nullValues",
        parse=texts_parser('["-9999", "NAN"]', MAX_NULL_VALUES),
        description='A JSON list of values that stand for no reading, such as ["-9999", "NAN"]; '
        '"" is an empty one.',
        flag="--null-value",
        metavar="TEXT",
        cli_help="A value that stands for no reading, such as -9999 or NAN; '' is an empty one.",
    ),
)

PARSERS = {option.name: option.parse for option in IMPORT_OPTIONS}
DEFAULTS = {field.encode_name: field.default for field in msgspec.structs.fields(ImportOptions)}


def parse_options(fields: Mapping[str, object]) -> ImportOptions:
    """The options, with defaults for those that are absent; values of a form are strings.

    Raises InvalidRequestError that names every unknown or invalid one.
    """
    parsed: dict[str, object] = {}
    problems: list[FieldProblem] = []
    for name, value in fields.items():
        try:
            parsed[name] = PARSERS.get(name, _unknown)(name, value)
        except InvalidRequestError as error:
            problems += error.problems
    if problems:
        raise InvalidRequestError(problems)
    options = msgspec.convert(parsed, ImportOptions)
    if options.is_wide:
        _require_wide(options)
    else:
        _require_long(options)
    if options.header is HeaderMode.NONE:
        _require_positions(options)
    return options


def _require_long(options: ImportOptions) -> None:
    """Raise InvalidRequestError if an option is about columns that are sensors."""
    about_sensors = {
        "idTemplate": options.id_template != COLUMN_NAME,
        "ignoreColumns": bool(options.ignore_columns),
    }
    for name in filter(about_sensors.get, about_sensors):
        raise invalid_parameter(name, "needs layout=wide")


def _require_wide(options: ImportOptions) -> None:
    """Raise InvalidRequestError unless the options are such that columns may be sensors."""
    if options.columns.keys() - {TIMESTAMP}:
        message = f"with layout=wide may name the {TIMESTAMP} alone: all others are sensors"
        raise invalid_parameter("columns", message)
    if options.header is HeaderMode.NONE:
        raise invalid_parameter("header", "must name the sensors with layout=wide")


def _require_positions(options: ImportOptions) -> None:
    """Raise InvalidRequestError unless the options are such that a file needs no header."""
    numbers = {str(number) for number in range(1, MAX_COLUMNS + 1)}
    given = options.column_names
    if given.keys() != set(options.wanted_columns) or not numbers.issuperset(given.values()):
        message = f"with header=none must give a number from 1 to {MAX_COLUMNS} for each of "
        raise invalid_parameter("columns", message + ", ".join(COLUMNS))
    if options.skip_lines_after_header:
        raise invalid_parameter("skipLinesAfterHeader", "needs a header: set skipLines instead")


def _unknown(name: str, _value: object) -> object:
    raise invalid_parameter(printable(name), "is not a known field", "unknown_field")
