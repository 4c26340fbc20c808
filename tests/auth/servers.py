"""Servers of the API with an identity provider, as users reach them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from api.services import ServerSettings
from core.settings import ApiSettings, AuthSettings, SessionSettings
from embedded.identity import read_accounts
from tests.api.serving import server_settings, serving
from tests.auth.user_agent import UserAgent, user_agent_at
from tests.support.ports import free_port


@dataclass(frozen=True)
class ApiServer:
    """A running server and its settings."""

    url: str
    settings: ServerSettings


def settings_for(
    database_url: str,
    issuer: str,
    port: int,
    storage: Path,
    *,
    api: dict[str, Any] | None = None,
    auth: dict[str, Any] | None = None,
    session: dict[str, Any] | None = None,
) -> ServerSettings:
    public_url = f"http://127.0.0.1:{port}"
    return replace(
        server_settings(database_url, issuer, storage),
        api=ApiSettings(**({"public_url": public_url} | (api or {}))),
        auth=AuthSettings(
            **({"issuer": issuer, "audience": read_accounts().audience} | (auth or {}))
        ),
        session=SessionSettings(**(session or {})),
    )


@asynccontextmanager
async def running_server(
    database_url: str, issuer: str, port: int, storage: Path, **changes: dict[str, Any]
) -> AsyncIterator[ApiServer]:
    """A server on that port, with default settings but for the changes."""
    settings = settings_for(database_url, issuer, port, storage, **changes)
    async with serving(settings, port) as url:
        yield ApiServer(url, settings)


@asynccontextmanager
async def second_server(
    first: ApiServer, storage: Path, **changes: dict[str, Any]
) -> AsyncIterator[ApiServer]:
    """A server with the database, provider and public URL of the first."""
    settings = first.settings
    changes["session"] = {"valkey_url": settings.session.valkey_url} | changes.get("session", {})
    changes["api"] = {"public_url": settings.api.public_url} | changes.get("api", {})
    async with running_server(
        settings.database.url.get_secret_value(),
        settings.auth.issuer,
        free_port(),
        storage,
        **changes,
    ) as second:
        yield second


@asynccontextmanager
async def user_agent_at_second_server(
    first: ApiServer, storage: Path, **changes: dict[str, Any]
) -> AsyncIterator[UserAgent]:
    """A user agent at such a server."""
    async with (
        second_server(first, storage, **changes) as second,
        user_agent_at(second.url) as user,
    ):
        yield user
