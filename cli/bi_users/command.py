"""`sensorflow bi-user`: the logins of BI tools."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

bi_user = typer.Typer(
    help="Logins of BI tools, which read the schema bi.\n\n"
    "Needs SENSORFLOW_MIGRATE_DATABASE_URL, or SENSORFLOW_DATABASE_URL where one role does all."
)

Name = Annotated[str, typer.Argument(help="The login, such as grafana.")]


@bi_user.command()
def create(
    name: Name,
    max_connections: Annotated[
        int, typer.Option(min=1, max=1000, help="Sessions that it may have open at once.")
    ] = 5,
    statement_timeout: Annotated[
        int, typer.Option(min=1, max=86_400, help="Seconds that a statement may run, by default.")
    ] = 300,
) -> None:
    """Create a login that reads the bi views.

    Its password is printed once, alone on standard output, and is stored nowhere.
    """
    from cli.bi_users.logins import Limits, bi_url, create_login
    from cli.owner import owner_settings

    database = owner_settings()
    limits = Limits(max_connections, statement_timeout)
    made = asyncio.run(create_login(database, name, limits))
    _say(f"{name} reads the schema bi. Its password, which is stored nowhere else:")
    _print_password(made.password)
    _say(f"Connect to {bi_url(database, name)}")
    for setting in made.not_set:
        _say(f"{setting} is left as it is: only a superuser may set it for a login.")


@bi_user.command("list")
def list_users() -> None:
    """List the logins of BI tools, their limits and how many sessions they have open."""
    from cli.bi_users.logins import list_logins
    from cli.owner import owner_settings

    table = Table("login", "sessions", "at most", "statement timeout", box=None)
    for user in asyncio.run(list_logins(owner_settings())):
        limit = "any" if user.max_connections < 0 else str(user.max_connections)
        timeout = user.settings.get("statement_timeout", "none")
        table.add_row(user.name, str(user.open_sessions), limit, timeout)
    Console(highlight=False).print(table if table.row_count else "There is none.")


@bi_user.command()
def rotate(name: Name) -> None:
    """Give a login a new password, printed once; sessions that are open go on."""
    from cli.bi_users.logins import rotate_password
    from cli.owner import owner_settings

    password = asyncio.run(rotate_password(owner_settings(), name))
    _say(f"The new password of {name}, which is stored nowhere else:")
    _print_password(password)


@bi_user.command()
def revoke(name: Name) -> None:
    """End the sessions of a login and remove it."""
    from cli.bi_users.logins import revoke_login
    from cli.owner import owner_settings

    ended = asyncio.run(revoke_login(owner_settings(), name))
    _say(f"{name} is removed; sessions of it that were ended: {ended}.")


def _print_password(password: str) -> None:
    Console(highlight=False, soft_wrap=True).print(password, markup=False)


def _say(line: str) -> None:
    Console(stderr=True, highlight=False, soft_wrap=True).print(line, markup=False)
