"""The platform that faults are injected into: database, proxy, provider, and an API process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import httpx2

from embedded.identity import IdentityProvider
from migrations.runner import upgrade
from tests.api.proxy import Proxy, proxied
from tests.api.test_server_process import gateway_token, server_process
from tests.faults.databases import Cluster, Engine, chosen_database, kill_process_tree
from tests.support.logins import create_login
from tests.support.ports import free_port


class Platform:
    """The running parts; `start_api` and `kill_api` block."""

    def __init__(
        self, database: Engine | Cluster, proxy: Proxy, provider: IdentityProvider, folder: Path
    ) -> None:
        self.database = database
        self.proxy = proxy
        self._provider, self._folder = provider, folder
        self._port = free_port()
        self._api = ExitStack()

    def start_api(self) -> None:
        server = server_process(self.proxy.url, self._provider.issuer, self._folder, self._port)
        self._process, self._url = self._api.enter_context(server)

    def kill_api(self) -> None:
        kill_process_tree(self._process)
        self._api.close()

    def client(self) -> httpx2.AsyncClient:
        """A client with the scope to write readings."""
        token = gateway_token(self._provider, "readings:write")
        headers = {"Authorization": f"Bearer {token}"}
        return httpx2.AsyncClient(base_url=self._url, headers=headers, timeout=30)


@asynccontextmanager
async def running_platform(folder: Path) -> AsyncIterator[Platform]:
    """The platform, with an empty database, until the block ends."""
    with (
        chosen_database(folder / "database") as database,
        IdentityProvider.serve(folder) as provider,
    ):
        await upgrade(database.url)
        async with proxied(await create_login(database.url, "sensorflow_app")) as proxy:
            platform = Platform(database, proxy, provider, folder)
            await asyncio.to_thread(platform.start_api)
            try:
                yield platform
            finally:
                platform.kill_api()
