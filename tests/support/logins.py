"""Logins of the tests' own, as an administrator would make them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_hex
from urllib.parse import urlsplit

import asyncpg


@asynccontextmanager
async def login(owner_url: str, *groups: str, attributes: str = "") -> AsyncIterator[str]:
    """The URL of `create_login`, until the block ends."""
    url = await create_login(owner_url, *groups, attributes=attributes)
    name = urlsplit(url).username
    try:
        yield url
    finally:
        await execute(owner_url, f'DROP OWNED BY "{name}"', f'DROP ROLE "{name}"')


async def create_login(owner_url: str, *groups: str, attributes: str = "") -> str:
    """The URL of the same database for a new role in these groups.

    Roles belong to the server, so the name tells whose it is.
    """
    parts = urlsplit(owner_url)
    name, password = f"{parts.path[1:]}_{token_hex(4)}", token_hex()
    await execute(
        owner_url,
        f"CREATE ROLE \"{name}\" LOGIN PASSWORD '{password}' {attributes}",
        *(f'GRANT {group} TO "{name}"' for group in groups),
    )
    address = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{name}:{password}@{address}").geturl()


async def execute(url: str, *statements: str) -> None:
    """Each by itself, on a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
