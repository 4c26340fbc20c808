"""The options of `sensorflow import`. What they ask for is done by the rest of this room."""

from pathlib import Path
from typing import Annotated

import typer

HELP = """Import CSV files of any size, and wait until their rows are visible.

The files go to a running server. Who sends them is said in the environment,
never on the command line: SENSORFLOW_CLIENT_ISSUER, _ID and _SECRET get a
token by client credentials, or SENSORFLOW_CLIENT_TOKEN is one.

Rejected rows are saved beside their file as FILE.rejects.csv: line, code,
column, row. A file that is there already is never overwritten.

Exit codes; of several files the highest:

  0   every row is stored and visible
  1   done, but some rows were rejected
  2   the command is not written right, or a setting is missing or wrong
  3   a file could not be imported, or its import was cancelled
  4   the server or the database is away, or refuses who asks
  130 Ctrl-C; what goes on at the server is told

Examples:

  sensorflow import --server https://sensors.example.org readings.csv
  sensorflow import --json *.csv.gz | jq .import.counts
"""


def import_files(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE", exists=True, dir_okay=False, readable=True, show_default=False
        ),
    ],
    *,
    server: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="SENSORFLOW_CLIENT_SERVER_URL",
            help="The server to send the files to.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a file in place of the summary.")
    ] = False,
) -> None:
    """Exit with what became of the files."""
    from cli.imports.choice import chosen_importer
    from cli.imports.errors import NotSetUpError
    from cli.imports.outcomes import ExitCode
    from cli.imports.run import run_imports

    try:
        importer = chosen_importer(server)
    except NotSetUpError as error:
        typer.echo(error.message, err=True)
        raise typer.Exit(ExitCode.MISCONFIGURED) from error
    raise typer.Exit(run_imports(files, importer, as_json=as_json))
