"""The server with an identity provider, as people reach it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from api.services import ServerSettings
from core.settings import ApiSettings, AuthSettings, SessionSettings
from embedded.identity import read_accounts
from tests.api.serving import server_settings, serving
from tests.auth.person import Person, person_at
from tests.support.ports import free_port


@dataclass(frozen=True)
class Site:
    """A running server and what it was told."""

    url: str
    settings: ServerSettings


def site_settings(
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
        auth=AuthSettings(issuer=issuer, audience=read_accounts().audience, **(auth or {})),
        session=SessionSettings(**(session or {})),
    )


@asynccontextmanager
async def running_site(
    database_url: str, issuer: str, port: int, storage: Path, **changes: dict[str, Any]
) -> AsyncIterator[Site]:
    """A server on that port, which differs from the defaults as said."""
    settings = site_settings(database_url, issuer, port, storage, **changes)
    async with serving(settings, port) as url:
        yield Site(url, settings)


@asynccontextmanager
async def another_site(site: Site, storage: Path, **changes: dict[str, Any]) -> AsyncIterator[Site]:
    """A second server on the same database and provider, known by the same public URL."""
    settings = site.settings
    changes["session"] = {"valkey_url": settings.session.valkey_url} | changes.get("session", {})
    changes["api"] = {"public_url": settings.api.public_url} | changes.get("api", {})
    async with running_site(
        settings.database.url.get_secret_value(),
        settings.auth.issuer,
        free_port(),
        storage,
        **changes,
    ) as another:
        yield another


@asynccontextmanager
async def person_at_another(
    site: Site, storage: Path, **changes: dict[str, Any]
) -> AsyncIterator[Person]:
    """Somebody at such a server."""
    async with another_site(site, storage, **changes) as another, person_at(another.url) as person:
        yield person
