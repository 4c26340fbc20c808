"""A provider of a test's own, to stop, restart or configure otherwise."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from embedded.identity import IdentityProvider
from tests.auth.person import Person, person_at
from tests.auth.signing_in import running_site
from tests.support.ports import free_port


class Ports:
    """Known before anything runs, since provider and server must know each other's."""

    def __init__(self) -> None:
        self.api = free_port()
        self.provider = free_port()

    def start_provider(
        self, folder: Path, *, rotate_keys: bool = False, accounts: Path | None = None
    ) -> IdentityProvider:
        return IdentityProvider.serve(
            folder,
            port=self.provider,
            client_origins=[f"http://127.0.0.1:{self.api}"],
            rotate_keys=rotate_keys,
            accounts=accounts,
        )


@asynccontextmanager
async def person_at_own_site(
    url: str, ports: Ports, folder: Path, **changes: dict[str, Any]
) -> AsyncIterator[Person]:
    """Somebody at a server whose provider need not be there."""
    issuer = f"http://127.0.0.1:{ports.provider}"
    async with (
        running_site(url, issuer, ports.api, folder, **changes) as site,
        person_at(site.url) as person,
    ):
        yield person
