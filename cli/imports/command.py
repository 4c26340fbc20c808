"""The options of `sensorflow import`; destination.py carries them out."""

from pathlib import Path
from typing import Annotated

import typer

from cli.imports.errors import UsageError
from cli.imports.options import form_fields, with_import_options

HELP = """Import CSV and Parquet files, and wait until their rows are visible.

With a server (--server) the files are sent to it. Who sends them is said in
the environment, never on the command line: SENSORFLOW_CLIENT_ISSUER, _ID and
_SECRET get a token by client credentials, or SENSORFLOW_CLIENT_TOKEN is one.

Without one they are loaded by this command itself, into the database and
storage of SENSORFLOW_DATABASE_URL and SENSORFLOW_STORAGE_URL. It needs no
running API or worker, and is safe beside them.

With --dry-run nothing is stored. The files are validated and compared with
the database: which column is which, rows that would be rejected, rows that
repeat or are stored already, buckets of the rollups to refresh.

With --detect nothing is stored either, and no database is needed. The options
for a file are found in its first lines and tried by the code that imports; the
command to run is printed with the first readings that it makes. Where a file
may be read in several ways, as 03/04/2026, all are printed. Exit code 0: one
command, which rejects none of these lines; 1: look at it; 3: none is found.

Rejected rows are saved beside their file as FILE.rejects.csv: line, code,
column, row. A file that is there already is never overwritten.

Exit codes; of several files the highest:

  0   every row is stored and visible
  1   done, but some rows were rejected
  2   the command is not written right, or a setting is missing or wrong
  3   a file could not be imported, or its import was cancelled
  4   the server or the database is unreachable, or refuses access
  130 Ctrl-C; the command says how the import goes on

Examples:

  sensorflow import --server https://sensors.example.org readings.csv
  sensorflow import --time-zone Europe/Berlin --decimal , export.csv
  sensorflow import --column equipmentId=Pump --column value=Level x.csv.gz
  sensorflow import --skip-lines 3 --comment-prefix '#' --delimiter '|' x.txt
  sensorflow import --detect logger.csv
  sensorflow import --dry-run --on-conflict skip readings.csv
  sensorflow import --max-errors 1% --json *.csv.gz | jq .import.counts
"""

Server = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        envvar="SENSORFLOW_CLIENT_SERVER_URL",
        help="The server to send the files to.",
        show_default=False,
    ),
]


@with_import_options
def import_files(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE", exists=True, dir_okay=False, readable=True, show_default=False
        ),
    ],
    *,
    server: Server = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Store nothing; report what an import into the database would do."
        ),
    ] = False,
    detect: Annotated[
        bool,
        typer.Option("--detect", help="Store nothing; find the options for each file."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a file in place of the summary.")
    ] = False,
    **given: str | list[str] | None,
) -> None:
    """Import the files; exits with the highest of their exit codes."""
    from cli.imports.destination import Arguments, process_files
    from cli.imports.outcomes import ExitCode

    try:
        arguments = Arguments(
            server, form_fields(given), dry_run=dry_run, detect=detect, as_json=as_json
        )
        code = process_files(files, arguments)
    except UsageError as error:
        typer.echo(error.message, err=True)
        raise typer.Exit(ExitCode.MISCONFIGURED) from error
    raise typer.Exit(code)
