"""Databases of the tests' own, on a server whose superuser makes them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_hex
from urllib.parse import urlsplit

from tests.support.logins import execute


@asynccontextmanager
async def new_database(url: str) -> AsyncIterator[str]:
    """The URL of an empty database of the same server, for its superuser."""
    name = f"{urlsplit(url).path[1:]}_{token_hex(4)}"
    await execute(url, f'CREATE DATABASE "{name}" TEMPLATE template0')
    try:
        yield urlsplit(url)._replace(path=f"/{name}").geturl()
    finally:
        await execute(url, f'DROP DATABASE "{name}" WITH (FORCE)')


def as_role(url: str, of: str) -> str:
    """The first URL's database, by the second one's login."""
    return urlsplit(of)._replace(path=urlsplit(url).path).geturl()
