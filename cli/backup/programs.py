"""Runs PostgreSQL's own pg_dump and pg_restore, which know how to order what they dump."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

from cli.backup.errors import BackupError

ERROR_LINES = 5
POLL_SECONDS = 0.2


def client_program(name: str) -> str:
    """Its path. Raises BackupError where it is not installed."""
    if path := shutil.which(name):
        return path
    raise BackupError(
        f"{name} is not on the PATH. Install PostgreSQL's client programs (on Debian the package "
        "postgresql-client), of the server's major version or newer."
    )


def without_password(database_url: str) -> tuple[str, dict[str, str]]:
    """The URL without its password, and an environment that has it, which other users cannot read.

    Unlike the URL, a command line is readable by everybody on the machine.
    """
    parts = urlsplit(database_url)
    login, separator, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    environment = dict(os.environ)
    if password:
        environment["PGPASSWORD"] = unquote(password)
    return parts._replace(netloc=f"{user}{separator}{hosts}").geturl(), environment


def output(program: str, *arguments: str) -> str:
    """What it prints; raises BackupError with its last lines when it fails."""
    process = subprocess.run(  # noqa: S603  # our own arguments
        [client_program(program), *arguments], capture_output=True, text=True, check=False
    )
    if process.returncode:
        raise _failed(program, process.stderr.splitlines())
    return process.stdout


def run_on_database(
    program: str,
    database_url: str,
    arguments: Sequence[str],
    on_line: Callable[[str], None],
) -> None:
    """Run it with its messages given to `on_line` one by one. Raises BackupError when it fails."""
    url, environment = without_password(database_url)
    command = [client_program(program), f"--dbname={url}", "--no-password", *arguments]
    lines: list[str] = []
    with _running(command, environment) as process:
        for line in process.stderr or ():
            lines = [*lines[-ERROR_LINES:], line.rstrip()]
            on_line(line)
    if process.returncode:
        raise _failed(program, lines)


@contextmanager
def _running(
    command: Sequence[str], environment: dict[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """Ended with the block, so that Ctrl-C leaves no program behind."""
    with subprocess.Popen(  # noqa: S603  # our own arguments
        command, env=environment, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield process
        except BaseException:
            process.terminate()
            raise


def _failed(program: str, lines: Sequence[str]) -> BackupError:
    said = " ".join(line for line in lines if "error" in line) or " ".join(lines[-ERROR_LINES:])
    remedy = (
        " Install the client programs of the server's major version or newer."
        if "version mismatch" in said
        else ""
    )
    return BackupError(f"{program} failed: {said}{remedy}")
