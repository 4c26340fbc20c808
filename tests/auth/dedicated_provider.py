"""An identity provider for one test, which stops, restarts or configures it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from embedded.identity import IdentityProvider
from tests.auth.servers import running_server
from tests.auth.user_agent import UserAgent, user_agent_at
from tests.support.ports import free_port


class Ports:
    """Chosen before anything runs, since provider and server are configured with each other's."""

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
async def user_agent_at_own_server(
    url: str, ports: Ports, folder: Path, **changes: dict[str, Any]
) -> AsyncIterator[UserAgent]:
    """A user agent at a server whose provider need not be running."""
    issuer = f"http://127.0.0.1:{ports.provider}"
    async with (
        running_server(url, issuer, ports.api, folder, **changes) as server,
        user_agent_at(server.url) as user,
    ):
        yield user
