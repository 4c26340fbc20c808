"""Logins of the tests' own, as an administrator would make them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_hex
from urllib.parse import quote, urlsplit

import asyncpg


@asynccontextmanager
async def login(owner_url: str, *groups: str, attributes: str = "") -> AsyncIterator[str]:
    """The URL of the same database for a new role in these groups, until the block ends.

    Roles belong to the server, so the name tells whose it is.
    """
    parts = urlsplit(owner_url)
    name, password = f"{parts.path[1:]}_{token_hex(4)}", token_hex()
    memberships = [f'GRANT {group} TO "{name}"' for group in groups]
    await execute(
        owner_url,
        f"CREATE ROLE \"{name}\" LOGIN PASSWORD '{password}' {attributes}",
        *memberships,
    )
    address = parts.netloc.rpartition("@")[2]
    try:
        yield parts._replace(netloc=f"{quote(name)}:{password}@{address}").geturl()
    finally:
        await execute(owner_url, f'DROP OWNED BY "{name}"', f'DROP ROLE "{name}"')


async def execute(url: str, *statements: str) -> None:
    """Each by itself, on a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
