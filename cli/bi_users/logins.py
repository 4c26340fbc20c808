"""Creates and changes logins of BI tools, as the owner of the tables or a superuser."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import asyncpg

from cli.bi_users.errors import BIUserError
from cli.bi_users.scram import new_password, scram_verifier
from core.database import Connection, database_address, database_errors, open_connection
from core.queries import all_rows, queries
from core.settings import DatabaseSettings

MAX_NAME_BYTES = 63
# Only a superuser may set it, or who was granted SET on it.
FOR_ADMINISTRATORS = {"temp_file_limit": "5GB"}


@dataclass(frozen=True, slots=True)
class Limits:
    """How many sessions a login may have, and what they are limited to by default."""

    max_connections: int
    statement_timeout_seconds: int

    @property
    def settings(self) -> dict[str, str]:
        """Settings of PostgreSQL, by name."""
        return {
            "search_path": "bi",
            "default_transaction_read_only": "on",
            "statement_timeout": f"{self.statement_timeout_seconds}s",
            "lock_timeout": "10s",
            "idle_in_transaction_session_timeout": "60s",
            "idle_session_timeout": "1h",
            "work_mem": "64MB",
        }


@dataclass(frozen=True, slots=True)
class NewLogin:
    """A login with its password, which is stored nowhere, and what could not be set for it."""

    name: str
    password: str
    not_set: list[str]


@dataclass(frozen=True, slots=True)
class BIUser:
    """A login as it is."""

    name: str
    max_connections: int
    settings: dict[str, str]
    open_sessions: int


async def create_login(database: DatabaseSettings, name: str, limits: Limits) -> NewLogin:
    """Create a login. Raises BIUserError, and DatabaseRefusedError and its kind."""
    _require_name(name)
    password = new_password()
    async with _administration(database) as connection, connection.transaction():
        if (await queries().bi_user_exists(connection, name=name))["is_taken"]:
            raise BIUserError(f"There is a role {name} already. Choose another name, or rotate it.")
        statements = await all_rows(
            queries().bi_user_statements,
            connection,
            name=name,
            verifier=scram_verifier(password),
            max_connections=limits.max_connections,
        )
        await _execute(connection, (row[0] for row in statements))
        await _set(connection, name, limits.settings)
        not_set = [
            key for key in FOR_ADMINISTRATORS if not await _try_to_set(connection, name, key)
        ]
    return NewLogin(name, password, not_set)


async def list_logins(database: DatabaseSettings) -> list[BIUser]:
    """Every login that has the role sensorflow_bi, in order of its name."""
    async with _administration(database) as connection:
        return [
            BIUser(
                row["name"], row["max_connections"], _parsed(row["settings"]), row["open_sessions"]
            )
            for row in await all_rows(queries().list_bi_users, connection)
        ]


async def rotate_password(database: DatabaseSettings, name: str) -> str:
    """The new password of a login; its open sessions go on. Raises BIUserError."""
    password = new_password()
    async with _administration(database) as connection, connection.transaction():
        await _require_bi_user(connection, name)
        verifier = scram_verifier(password)
        statement = await queries().bi_user_password(connection, name=name, verifier=verifier)
        await connection.execute(statement)
    return password


async def revoke_login(database: DatabaseSettings, name: str) -> int:
    """Remove a login; how many sessions were ended. Raises BIUserError."""
    async with _administration(database) as connection:
        await _require_bi_user(connection, name)
        removal = await all_rows(queries().bi_user_removal, connection, name=name)
        no_login, drop = (row[0] for row in removal)
        await connection.execute(no_login)
        ended: int = await queries().end_sessions_of_bi_user(connection, name=name)
        await connection.execute(drop)
    return ended


def bi_url(database: DatabaseSettings, name: str) -> str:
    """Where a login connects to, without its password."""
    url = database.url.get_secret_value()
    database_path = urlsplit(url).path
    return f"postgresql://{quote(name, safe='')}@{database_address(url)}{database_path}"


@asynccontextmanager
async def _administration(database: DatabaseSettings) -> AsyncIterator[Connection]:
    with database_errors():
        async with open_connection(database) as connection:
            try:
                yield connection
            except asyncpg.InsufficientPrivilegeError as error:
                raise BIUserError(
                    f"This role may not manage logins ({error}). Give "
                    "SENSORFLOW_MIGRATE_DATABASE_URL an owner with CREATEROLE, or a superuser."
                ) from error


async def _execute(connection: Connection, statements: Iterable[str]) -> None:
    for statement in statements:
        await connection.execute(statement)


async def _set(connection: Connection, name: str, settings: dict[str, str]) -> None:
    for setting, value in settings.items():
        statement = await queries().bi_user_setting(
            connection, name=name, setting=setting, value=value
        )
        await connection.execute(statement)


async def _try_to_set(connection: Connection, name: str, setting: str) -> bool:
    try:
        async with connection.transaction():
            await _set(connection, name, {setting: FOR_ADMINISTRATORS[setting]})
    except asyncpg.InsufficientPrivilegeError:
        return False
    return True


async def _require_bi_user(connection: Connection, name: str) -> None:
    if not (await queries().bi_user_exists(connection, name=name))["is_bi_user"]:
        raise BIUserError(
            f"{name} is no login that has the role sensorflow_bi and nothing beside it. "
            "sensorflow bi-user list shows those there are."
        )


def _require_name(name: str) -> None:
    is_printable = name.isprintable() and name == name.strip() and name != ""
    if not is_printable or len(name.encode()) > MAX_NAME_BYTES or name.startswith("pg_"):
        raise BIUserError(
            f"A name of 1 to {MAX_NAME_BYTES} bytes is needed, without blanks at its ends and not "
            "beginning with pg_, which PostgreSQL keeps for itself."
        )


def _parsed(settings: list[str] | None) -> dict[str, str]:
    pairs = (setting.partition("=") for setting in settings or ())
    return {name: value for name, _, value in pairs}
